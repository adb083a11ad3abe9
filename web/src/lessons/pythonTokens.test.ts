import { describe, expect, it } from "vitest";
import { pythonTokens } from "./pythonTokens";

const kinds = (source: string) =>
  pythonTokens(source)
    .filter((token) => token.kind !== "plain")
    .map((token) => [token.kind, token.text]);

describe("Python tokens", () => {
  it("loses and adds nothing", () => {
    const source = 'def f(x):\n    """Half # open.\n    # no comment\n    return x[1_0] # “end”\n';
    expect(
      pythonTokens(source)
        .map((token) => token.text)
        .join(""),
    ).toBe(source);
  });

  it("tells keywords, definitions, numbers, strings and comments apart", () => {
    expect(kinds('def clip(r):  # bound\n    return f"{r}" if r > 1.2e-3 else None')).toEqual([
      ["keyword", "def"],
      ["definition", "clip"],
      ["comment", "# bound"],
      ["keyword", "return"],
      ["string", 'f"{r}"'],
      ["keyword", "if"],
      ["number", "1.2e-3"],
      ["keyword", "else"],
      ["keyword", "None"],
    ]);
  });

  it("takes no keyword out of the middle of a name", () => {
    expect(kinds("classes = format_if + x1")).toEqual([]);
  });

  it("keeps a docstring over lines in one token, with its hashes", () => {
    expect(kinds('"""one\n# two\n"""')).toEqual([["string", '"""one\n# two\n"""']]);
  });
});

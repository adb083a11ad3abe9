import { describe, expect, it } from "vitest";
import { openingText } from "./draft";

describe("the text that the editor opens with", () => {
  it("is the starter where nothing was written", () => {
    expect(openingText("starter", null, null)).toBe("starter");
  });

  it("is the server's draft, also over a copy here that was saved there", () => {
    expect(openingText("starter", "draft", { source: "older", saved: true })).toBe("draft");
  });

  it("is what the server never got, for it was written last", () => {
    expect(openingText("starter", "draft", { source: "unsent", saved: false })).toBe("unsent");
  });

  it("may be an empty draft", () => {
    expect(openingText("starter", "", null)).toBe("");
  });
});

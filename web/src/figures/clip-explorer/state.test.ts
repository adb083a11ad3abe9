import { describe, expect, it } from "vitest";
import { DEFAULT_STATE, fromSearch, ratioAfterKey, readSearch, toSearch } from "./state";

describe("the explorer's state in the URL", () => {
  it("comes back unchanged from its own URL", () => {
    const state = { ratio: 0.72, advantage: -0.6, clipRange: 0.31, run: "cartpole-seed1", step: 4096, epoch: 3 };
    expect(fromSearch(readSearch(toSearch(state) as Record<string, unknown>))).toEqual(state);
  });

  it("leaves defaults out", () => {
    expect(toSearch(DEFAULT_STATE)).toEqual({});
  });

  it("reads the attributes of a lesson's step, which are text", () => {
    expect(readSearch({ show: "clip-explorer", sign: "-1", ratio: "1.3" })).toEqual({
      advantage: -1,
      ratio: 1.3,
    });
  });

  it("brings values out of range back to the edge and ignores what is no number", () => {
    expect(readSearch({ ratio: "9", eps: "0", sign: "up", epoch: "-1" })).toEqual({
      ratio: 1.6,
      eps: 0.05,
    });
  });
});

describe("keys on the point", () => {
  it("moves by 0.01, and by 0.1 with Shift", () => {
    expect(ratioAfterKey(1, "ArrowRight", false)).toBe(1.01);
    expect(ratioAfterKey(1, "ArrowLeft", true)).toBe(0.9);
  });

  it("stops at the ends and leaves other keys alone", () => {
    expect(ratioAfterKey(1.595, "ArrowUp", false)).toBe(1.6);
    expect(ratioAfterKey(1, "Home", false)).toBe(0.4);
    expect(ratioAfterKey(1, "a", false)).toBeNull();
  });
});

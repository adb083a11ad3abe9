import { describe, expect, it } from "vitest";
import { clipPoint } from "./clip";
import { panelSentence, percent, signed, sliderText, whyHere, withSign } from "./words";

describe("what the explorer says", () => {
  it("writes a true minus and never minus zero", () => {
    expect(signed(-0.8)).toBe("−0.80");
    expect(signed(-0.001)).toBe("0.00");
    expect(withSign(1)).toBe("+1.00");
  });

  it("gives each of the five situations its own reason", () => {
    const reasons = new Set(
      [
        clipPoint(1, 1, 0.2),
        clipPoint(1.5, 1, 0.2),
        clipPoint(0.5, 1, 0.2),
        clipPoint(0.5, -1, 0.2),
        clipPoint(1.5, -1, 0.2),
      ].map(whyHere),
    );
    expect(reasons.size).toBe(5);
    expect(whyHere(clipPoint(1.5, 1, 0.2))).toContain("gradient is zero");
    expect(whyHere(clipPoint(1.5, -1, 0.2))).toContain("pushes the ratio back down");
  });

  it("names side and state for a screen reader", () => {
    expect(panelSentence(clipPoint(1.3, 1, 0.2))).toContain("flat above 1.20");
    expect(panelSentence(clipPoint(1.3, -1, 0.2))).toContain("flat below 0.80");
    expect(sliderText(clipPoint(1.3, -1, 0.2))).toBe(
      "ratio 1.30, objective −1.30, gradient lowers r",
    );
  });

  it("has no share of nothing", () => {
    expect(percent(0, 0)).toBe("–");
    expect(percent(1, 8)).toBe("12.5 %");
  });
});

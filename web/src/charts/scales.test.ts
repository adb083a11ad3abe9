import { describe, expect, it } from "vitest";

import { shortNumber, shortStep, stepAxisEnd, tickLabel, valueRange } from "./scales";

describe("the step axis", () => {
  it.each([
    [0, 1000],
    [512, 600],
    [10_000, 10_000],
    [10_001, 15_000],
    [86_000, 100_000],
  ])("for step %d ends at %d", (step, end) => {
    expect(stepAxisEnd(step)).toBe(end);
  });

  it("does not pass the planned end, unless the run did", () => {
    expect(stepAxisEnd(101_000, 102_400)).toBe(102_400);
    expect(stepAxisEnd(103_000, 102_400)).toBe(103_000);
    expect(stepAxisEnd(40_100, 102_400)).toBe(50_000);
  });
});

describe("the value axis", () => {
  it("holds the reference line as well as the data", () => {
    const [low, high] = valueRange(20, 100, 475);
    expect(low).toBe(0);
    expect(high).toBeCloseTo(475 + 0.06 * 455);
  });
  it("gives a flat series a band and an empty one zero to one", () => {
    expect(valueRange(2, 2)).toEqual([1.8, 2.2]);
    expect(valueRange(0, 0)).toEqual([-0.5, 0.5]);
    expect(valueRange(Infinity, -Infinity)).toEqual([0, 1]);
  });
  it("goes below zero where the data does", () => {
    expect(valueRange(-1, 1)[0]).toBeCloseTo(-1.12);
  });
});

describe("numbers", () => {
  it.each([
    [475, "475"],
    [487.25, "487.3"],
    [0.01234, "0.0123"],
    [-0.00023, "−2.3e−4"],
    [20_480, "20,480"],
    [0, "0"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("%s is written %s", (value, text) => {
    expect(shortNumber(value)).toBe(text);
  });
  it("steps are short on an axis", () => {
    expect([0, 500, 20_000, 102_400, 1_500_000].map(shortStep)).toEqual(["0", "500", "20k", "102.4k", "1.5M"]);
  });
  it("ticks have the places that their distance needs", () => {
    expect(tickLabel(0.005, 0.005)).toBe("0.005");
    expect(tickLabel(-0.2, 0.1)).toBe("−0.2");
    expect(tickLabel(400, 200)).toBe("400");
  });
});

import { describe, expect, it } from "vitest";
import { bandShares, binsOf, outsideWithGradient } from "./histogram";

const bins = (counts: number[], low = 0.5, high = 1.5) =>
  binsOf({ low, high, counts: [counts], step: 0 }, 0);

describe("shares of a ratio histogram", () => {
  it("cuts a row into equal bins with edges", () => {
    expect(bins([3, 5])).toEqual([
      { low: 0.5, high: 1, count: 3 },
      { low: 1, high: 1.5, count: 5 },
    ]);
  });

  it("counts below, inside and above when the band's edges fall on bin edges", () => {
    // ten bins of 0.1 from 0.5: the band 0.8 to 1.2 holds bins 3 to 6
    const shares = bandShares(bins([1, 0, 2, 10, 20, 30, 10, 4, 0, 3]), 0.2);
    expect(shares.total).toBe(80);
    expect(shares.below).toBeCloseTo(3, 9);
    expect(shares.inside).toBeCloseTo(70, 9);
    expect(shares.above).toBeCloseTo(7, 9);
    expect(shares.blur).toBe(0);
  });

  it("shares out a cut bin by width and says how much it held", () => {
    // two bins, [0.5, 1] and [1, 1.5]; the band 0.75 to 1.25 cuts both in half
    const shares = bandShares(bins([8, 4]), 0.25);
    expect(shares.below).toBeCloseTo(4, 9);
    expect(shares.above).toBeCloseTo(2, 9);
    expect(shares.blur).toBe(12);
  });

  it("keeps the gradient of good actions below the band and of bad actions above it", () => {
    const good = bins([2, 0, 0, 10, 10, 10, 10, 0, 5, 0]);
    const bad = bins([7, 0, 0, 10, 10, 10, 10, 0, 0, 3]);
    expect(outsideWithGradient(good, bad, 0.2)).toEqual({
      total: 97,
      outside: expect.closeTo(17, 9),
      withGradient: expect.closeTo(5, 9),
    });
  });

  it("has no samples in an epoch that was not made", () => {
    expect(bandShares(binsOf({ low: 0, high: 2, counts: [], step: 0 }, 3), 0.2).total).toBe(0);
  });
});

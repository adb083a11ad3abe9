import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decimate } from "./decimate";
import { pathOf } from "./LineChart";

const same = (value: number) => value;

describe("decimation", () => {
  it("keeps the first, lowest, highest and last point of a pixel column in their order", () => {
    const steps = Float64Array.from([0, 0.1, 0.2, 0.3, 0.4, 0.5, 1]);
    const values = Float64Array.from([5, 9, 6, -7, 6, 4, 0]);
    const points = decimate(steps, values, 0, 7, same, same);
    expect([...points.y.subarray(0, points.length)]).toEqual([5, 9, -7, 4, 0]);
  });

  it("keeps a break inside a crowded column", () => {
    const steps = Float64Array.from([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    const values = Float64Array.from([1, 2, Number.NaN, 3, 2, 1]);
    const points = decimate(steps, values, 0, 6, same, same);
    expect([...points.y.subarray(0, points.length)]).toEqual([1, Number.NaN, 3, 1]);
  });

  it("reduces 100,000 points to at most four a pixel, and loses no extreme", () => {
    const count = 100_000;
    const steps = Float64Array.from({ length: count }, (_, i) => i);
    const values = Float64Array.from({ length: count }, (_, i) => Math.sin(i / 900));
    values[54_321] = 40;
    const points = decimate(steps, values, 0, count, (step) => (step / count) * 500, same);
    expect(points.length).toBeLessThanOrEqual(4 * 500);
    expect(Math.max(...points.y.subarray(0, points.length))).toBe(40);
  });

  it("covers the same pixels as all points do", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 300 }), (list) => {
        const steps = Float64Array.from(list, (_, i) => i);
        const values = Float64Array.from(list);
        const toX = (step: number) => step / 20;
        const points = decimate(steps, values, 0, list.length, toX, same);
        const extremes = (xs: number[], ys: number[]) => {
          const found = new Map<number, [number, number]>();
          xs.forEach((x, i) => {
            const [low, high] = found.get(Math.floor(x)) ?? [Infinity, -Infinity];
            found.set(Math.floor(x), [Math.min(low, ys[i]!), Math.max(high, ys[i]!)]);
          });
          return [...found];
        };
        expect(extremes([...points.x.subarray(0, points.length)], [...points.y.subarray(0, points.length)])).toEqual(
          extremes([...steps].map(toX), list),
        );
      }),
    );
  });
});

describe("a path", () => {
  it("breaks at NaN and draws a lone point as a dot", () => {
    const x = Float64Array.from([0, 1, 2, 3, 4]);
    const y = Float64Array.from([1, 2, Number.NaN, 5, Number.NaN]);
    expect(pathOf({ x, y, length: 5 })).toBe("M0,1L1,2M3,5Z");
  });
});

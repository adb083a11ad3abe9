import { describe, expect, it } from "vitest";

import { metricFormat, metricTick } from "./metrics";

describe("how a metric is written", () => {
  it("gives the clip fraction in percent, on the axis as beside it", () => {
    expect(metricFormat("clip_fraction")(0.125)).toBe("12.5 %");
    const tick = metricTick("clip_fraction");
    expect([0, 0.1, 0.2].map((value) => tick?.(value, 0.1))).toEqual(["0 %", "10 %", "20 %"]);
    expect(tick?.(0.005, 0.005)).toBe("0.5 %");
  });

  it("leaves the axes of the others as numbers", () => {
    expect(metricTick("entropy")).toBeUndefined();
  });
});

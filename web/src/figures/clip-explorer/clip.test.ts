import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { clipPoint, flatPart, objectiveCorners } from "./clip";

interface GoldenCase {
  ratio: number;
  advantage: number;
  clip_range: number;
  objective: number;
  gradient: number;
  clipped: boolean;
}

const goldenFile = fileURLToPath(
  new URL("../../../../tests/golden/clip.json", import.meta.url),
);
const golden = JSON.parse(readFileSync(goldenFile, "utf8")) as GoldenCase[];

describe("the clipped objective", () => {
  it("equals the engine's objective, gradient and clip decision on every golden case", () => {
    expect(golden.length).toBeGreaterThan(20);
    for (const c of golden) {
      const p = clipPoint(c.ratio, c.advantage, c.clip_range);
      const where = `r=${c.ratio} A=${c.advantage} ε=${c.clip_range}`;
      expect(p.objective, where).toBeCloseTo(c.objective, 10);
      expect(p.gradient, where).toBeCloseTo(c.gradient, 10);
      expect(p.clipped, where).toBe(c.clipped);
    }
  });

  it("has golden cases on all six sides: both signs, below, inside and above the band", () => {
    const sides = new Set(
      golden
        .filter((c) => c.advantage !== 0)
        .map((c) => {
          const side =
            c.ratio < 1 - c.clip_range ? "below" : c.ratio > 1 + c.clip_range ? "above" : "inside";
          return `${Math.sign(c.advantage)} ${side}`;
        }),
    );
    expect(sides.size).toBe(6);
  });

  it("by hand: a good action at r=1.5, ε=0.2 earns 1.2 and has no gradient", () => {
    const p = clipPoint(1.5, 1, 0.2);
    expect(p.objective).toBeCloseTo(1.2, 12);
    expect(p.gradient).toBe(0);
    expect(p.branch).toBe("clipped");
  });

  it("by hand: a good action at r=0.5 keeps its gradient, though it is outside the band", () => {
    const p = clipPoint(0.5, 2, 0.2);
    expect(p.objective).toBe(1);
    expect(p.gradient).toBe(2);
    expect(p.branch).toBe("unclipped");
  });

  it("by hand: a bad action is clipped below and free above", () => {
    expect(clipPoint(0.5, -1, 0.2)).toMatchObject({ objective: -0.8, gradient: 0, clipped: true });
    expect(clipPoint(1.5, -1, 0.2)).toMatchObject({
      objective: -1.5,
      gradient: -1,
      branch: "unclipped",
    });
  });

  it("marks the flat part above for A > 0, below for A < 0 and nowhere for A = 0", () => {
    expect(flatPart(1, 0.25, 0, 2)).toEqual([1.25, 2]);
    expect(flatPart(-1, 0.25, 0, 2)).toEqual([0, 0.75]);
    expect(flatPart(0, 0.25, 0, 2)).toBeNull();
  });

  it("draws the line through its one corner", () => {
    expect(objectiveCorners(1, 0.25, 0, 2)).toEqual([
      [0, 0],
      [1.25, 1.25],
      [2, 1.25],
    ]);
    expect(objectiveCorners(-1, 0.25, 0, 2)).toEqual([
      [0, -0.75],
      [0.75, -0.75],
      [2, -2],
    ]);
  });
});

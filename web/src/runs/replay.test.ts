import { describe, expect, it } from "vitest";

import { marksOf, nearest, neighbour, nextMark } from "./replay";

const steps = Float64Array.from([512, 1024, 1536]);

describe("single steps of a replay", () => {
  it("go to the measured step beside", () => {
    expect(neighbour(steps, 1024, 1)).toBe(1536);
    expect(neighbour(steps, 1024, -1)).toBe(512);
  });
  it("stay at the ends", () => {
    expect(neighbour(steps, 512, -1)).toBe(512);
    expect(neighbour(steps, 1536, 1)).toBe(1536);
  });
  it("back from the newest show the one before it", () => {
    expect(neighbour(steps, null, -1)).toBe(1024);
    expect(neighbour(steps, null, 1)).toBeNull();
  });
  it("from between two measured steps go to the one passed or the one ahead", () => {
    expect(neighbour(steps, 1100, -1)).toBe(1024);
    expect(neighbour(steps, 1100, 1)).toBe(1536);
  });
  it("have nowhere to go in a run that measured nothing", () => {
    expect(neighbour(new Float64Array(0), null, -1)).toBeNull();
  });
});

it("a place on the track snaps to the nearest measured step", () => {
  expect([0, 700, 800, 9999].map((step) => nearest(steps, step))).toEqual([512, 512, 1024, 1536]);
});

describe("events on the track", () => {
  const marks = marksOf([
    { seq: 1, t: 0, step: 0, kind: "state", data: { state: "running", words: "running from step 0" } },
    { seq: 2, t: 1, step: 512, kind: "checkpoint", data: { file: "x" } },
    { seq: 3, t: 1, step: 1024, kind: "setting", data: { name: "clip_range", from: 0.2, value: 0.3 } },
    { seq: 4, t: 1, step: 2048, kind: "alert", data: { kind: "non-finite", evidence: { metric: "policy_loss" } } },
    { seq: 5, t: 1, step: 512, kind: "rewind", data: { to_step: 512 } },
  ]);
  it("say what happened in words", () => {
    expect(marks.map(({ words }) => words)).toEqual([
      "running from step 0",
      "checkpoint",
      "clip range 0.2 → 0.3",
      "non-finite: metric policy_loss",
      "went back to the checkpoint at step 512",
    ]);
  });
  it("are reached in either direction", () => {
    expect(nextMark(marks, 600, 1)).toBe(1024);
    expect(nextMark(marks, 600, -1)).toBe(512);
    expect(nextMark(marks, 2048, 1)).toBeNull();
  });
});

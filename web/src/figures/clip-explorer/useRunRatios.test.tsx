// @vitest-environment jsdom
import { renderHook } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { histogramOf, useRunRatios } from "./useRunRatios";

// A run with three updates, as the feed holds it; each test sets its state.
const run = vi.hoisted(() => ({ state: "finished", steps: [512, 1024, 1536] }));
vi.mock("../../runs/hooks", () => {
  const event = (step: number) => ({
    seq: step,
    step,
    t: 0,
    kind: "histogram",
    data: { name: "ratio", low: 0.5, high: 1.5, counts: [[step]] },
  });
  return {
    useRun: (id: string | null) =>
      id === null
        ? null
        : {
            record: {
              histograms: new Map([["ratio", run.steps.map(event)]]),
              histogramAt: (name: string, step = Number.POSITIVE_INFINITY) =>
                name === "ratio" ? (run.steps.map(event).findLast((e) => e.step <= step) ?? null) : null,
              metricsAt: () => ({ clip_range: 0.2 }),
            },
          },
    useFeed: (feed: unknown) => ({
      run: feed ? { environment: "CartPole-v1", recorded: false, seed: 3 } : null,
      state: feed ? run.state : null,
      error: null,
      latest: {},
      settings: {},
    }),
  };
});

const ratios = (step: number | null) => renderHook(() => useRunRatios("a", step)).result.current.ratios;

beforeEach(() => {
  run.state = "finished";
  run.steps = [512, 1024, 1536];
});

describe("the ratios of a run", () => {
  it("are the newest while it goes and those of the middle update once it ended", () => {
    expect(ratios(null)?.histogram.step).toBe(1024);
    run.state = "running";
    expect(ratios(null)?.histogram.step).toBe(1536);
  });

  it("are those at the step asked for, in either state", () => {
    expect(ratios(600)?.histogram.step).toBe(512);
    run.state = "running";
    expect(ratios(600)?.histogram.step).toBe(512);
  });

  it("come with words where there are none yet, or will be none", () => {
    run.steps = [];
    expect(renderHook(() => useRunRatios("a", null)).result.current.words).toContain("recorded no ratios");
    run.state = "running";
    expect(renderHook(() => useRunRatios("a", null)).result.current.words).toContain("after its first update");
    expect(renderHook(() => useRunRatios(null, null)).result.current.words).toContain("No run has been made");
  });
});

describe("reading a histogram event", () => {
  const event = (data: Record<string, unknown>) =>
    histogramOf({ seq: 1, step: 8, t: 0, kind: "histogram", data });

  it("takes a sound one with its step", () => {
    expect(event({ low: 0, high: 2, counts: [[1, 2]] })).toEqual({ low: 0, high: 2, counts: [[1, 2]], step: 8 });
  });

  it("takes nothing that could not be drawn", () => {
    expect(event({ low: 0, high: 2, counts: [[1, null]] })).toBeNull();
    expect(event({ low: 2, high: 2, counts: [[1]] })).toBeNull();
    expect(event({ low: 0, high: 2 })).toBeNull();
    expect(histogramOf(null)).toBeNull();
  });
});

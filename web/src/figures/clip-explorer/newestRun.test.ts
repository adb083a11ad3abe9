import { describe, expect, it } from "vitest";
import type { Wire } from "../../api/client";
import { newestRun } from "./newestRun";

type Run = Wire["RunSummary"];
let day = 1;
const run = (id: string, change: Partial<Run> = {}): Run => ({
  id,
  title: id,
  kind: "control",
  environment: "CartPole-v1",
  preset: "cartpole",
  seed: 1,
  state: "finished",
  state_words: "",
  step: 100,
  total_steps: 100,
  created_at: "2026-01-01",
  updated_at: `2026-01-${String(day++).padStart(2, "0")}`,
  recorded: false,
  latest: { clip_range: 0.2 },
  can_resume: false,
  ...change,
});

const older = run("older");
const newer = run("newer");
const going = run("going", { state: "running", updated_at: "2025-12-31" });
const recorded = run("recorded", { recorded: true });
const unclipped = run("unclipped", { recorded: true, latest: { clip_range: 10 } });

describe("the run whose ratios are shown first", () => {
  it("is the learner's own that goes now, then their newest, then a recorded one", () => {
    expect(newestRun([older, recorded, newer, going])?.id).toBe("going");
    expect(newestRun([older, recorded, newer])?.id).toBe("newer");
    expect(newestRun([recorded])?.id).toBe("recorded");
  });

  it("is none that has made no step or whose ε lies off the scale", () => {
    expect(newestRun([run("waiting", { state: "waiting", step: 0 }), unclipped])).toBeUndefined();
    expect(newestRun([unclipped, recorded])?.id).toBe("recorded");
  });

  it("is no stage of a language model, which records none", () => {
    expect(newestRun([recorded, run("stage", { kind: "rlhf", latest: {} })])?.id).toBe("recorded");
  });
});

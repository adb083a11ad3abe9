import { describe, expect, it } from "vitest";
import type { Block } from "./ast";
import { isLocked, planStage, predictBlock, viewAt } from "./stage";

const text = (words: string): Block => ({
  type: "paragraph",
  children: [{ type: "text", text: words }],
});
const directive = (
  name: "run" | "step" | "interactive" | "note" | "challenge",
  attributes: Record<string, string>,
  children: Block[] = [],
): Block => ({ type: "directive", name, attributes, children });

const LESSON: Block[] = [
  text("opening"),
  directive("step", { show: "clip-explorer", ratio: "0.9" }, [text("first")]),
  directive("run", { preset: "cartpole", after: "first-run", recorded: "cartpole-seed1" }),
  directive("note", { title: "aside" }, [directive("step", { show: "run" }, [text("in a note")])]),
  directive("interactive", { name: "clip-explorer", sign: "-1" }),
];

describe("the stage's plan", () => {
  const plan = planStage({ blocks: LESSON });

  it("finds the stops in reading order, nested ones too", () => {
    expect(plan.stops.map((stop) => [stop.id, stop.view])).toEqual([
      ["stop-1", "clip-explorer"],
      ["stop-2", "run:cartpole"],
      ["stop-3", "run:cartpole"],
      ["stop-4", "clip-explorer"],
    ]);
  });

  it("lists each view once", () => {
    expect(plan.views).toEqual([
      { key: "clip-explorer", kind: "interactive", name: "clip-explorer", after: null },
      {
        key: "run:cartpole",
        kind: "run",
        preset: "cartpole",
        after: "first-run",
        recorded: "cartpole-seed1",
      },
    ]);
  });

  it("hands a figure's state on and keeps the directive's own attributes out of it", () => {
    expect(plan.stops[0]?.state).toEqual({ ratio: "0.9" });
    expect(plan.stops[3]?.state).toEqual({ sign: "-1" });
    expect(plan.stops[1]?.state).toEqual({});
  });

  it("reads which charts a step singles out, and keeps them out of the state", () => {
    const [step, bare] = planStage({
      blocks: [
        directive("step", { show: "run", focus: "policy_loss  value_loss" }),
        directive("run", { preset: "cartpole" }),
      ],
    }).stops;
    expect(step?.focus).toEqual(["policy_loss", "value_loss"]);
    expect(step?.state).toEqual({});
    expect(bare?.focus).toEqual([]);
  });

  it("shows the lesson's first view before the first stop, then each stop's own", () => {
    expect(viewAt(plan, -1)?.key).toBe("clip-explorer");
    expect(viewAt(plan, 1)?.key).toBe("run:cartpole");
  });

  it("has no view in a lesson without a stage", () => {
    expect(viewAt(planStage({ blocks: [text("only prose")] }), -1)).toBeNull();
  });

  it("takes a step that shows the run before it is named to mean the lesson's first run", () => {
    const early = planStage({
      blocks: [directive("step", { show: "run" }), directive("run", { preset: "slow" })],
    });
    expect(early.stops[0]?.view).toBe("run:slow");
  });
});

describe("a run that waits for a prediction", () => {
  const run = planStage({ blocks: LESSON }).views[1]!;
  const made = { id: "first-run", chosen: "a", correct: "a", reasons: {} };

  it("is locked until that prediction is made, and not by another one", () => {
    expect(isLocked(run, {})).toBe(true);
    expect(isLocked(run, { other: made })).toBe(true);
    expect(isLocked(run, { "first-run": made })).toBe(false);
  });

  it("lets one step of an instrument make its measurements wait, without a second view", () => {
    const { views } = planStage({
      blocks: [
        directive("step", { show: "clip-explorer" }),
        directive("step", { show: "clip-explorer", after: "first-run" }),
        directive("step", { show: "clip-explorer" }),
      ],
    });
    expect(views).toHaveLength(1);
    expect(isLocked(views[0]!, {})).toBe(true);
    expect(isLocked(views[0]!, { "first-run": made })).toBe(false);
  });

  it("finds its question, nested or not", () => {
    const question: Block = { type: "predict", id: "q", question: [], options: [] };
    expect(predictBlock([directive("note", {}, [question])], "q")).toBe(question);
    expect(predictBlock(LESSON, "q")).toBeUndefined();
  });
});

/**
 * What the stage beside the prose shows, and when: pure functions from a lesson's text.
 *
 * Stops are the places in the text that set the stage: `step`, `run` and `interactive` directives,
 * in reading order. Views are what can stand on the stage: each run and each instrument once.
 */

import type { Block, DirectiveBlock, Lesson, PredictBlock } from "./ast";

export type StageView =
  | { key: string; kind: "run"; preset: string; after: string | null; recorded: string | null }
  | { key: string; kind: "interactive"; name: string; after: string | null };

export interface Stop {
  /** the id of its element on the page */
  id: string;
  block: DirectiveBlock;
  /** key of the view that this stop puts on the stage; null leaves the stage as it is */
  view: string | null;
  /** state for that view */
  state: Record<string, string>;
  /** the metrics whose charts this stop singles out on a run's view */
  focus: string[];
}

export interface StagePlan {
  stops: Stop[];
  views: StageView[];
}

const VIEW_ATTRIBUTES = new Set(["name", "show", "preset", "after", "recorded", "focus"]);

/** A text's blocks and all blocks within them, in reading order. */
export function allBlocks(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) => {
    switch (block.type) {
      case "directive":
      case "quote":
        return [block, ...allBlocks(block.children)];
      case "list":
        return [block, ...block.items.flatMap(allBlocks)];
      default:
        return [block];
    }
  });
}

/** The question with this id, or undefined. */
export function predictBlock(blocks: readonly Block[], id: string): PredictBlock | undefined {
  return allBlocks(blocks).find((b): b is PredictBlock => b.type === "predict" && b.id === id);
}

function runView(block: DirectiveBlock): StageView {
  const { preset = "", after, recorded } = block.attributes;
  return {
    key: `run:${preset}`,
    kind: "run",
    preset,
    after: after ?? null,
    recorded: recorded ?? null,
  };
}

/** Read a lesson's text for its stops and views. */
export function planStage(lesson: Pick<Lesson, "blocks">): StagePlan {
  const found = allBlocks(lesson.blocks).filter(
    (b): b is DirectiveBlock =>
      b.type === "directive" && ["step", "run", "interactive"].includes(b.name),
  );
  const views = new Map<string, StageView>();
  const firstRun = found.find((d) => d.name === "run");
  let latestRun = firstRun;

  const viewOf = (block: DirectiveBlock): StageView | null => {
    if (block.name === "run") {
      latestRun = block;
      return runView(block);
    }
    const name = block.name === "step" ? block.attributes.show : block.attributes.name;
    if (!name) return null;
    // A step that shows "run" means the run last spoken of, or the lesson's first.
    if (name === "run") return latestRun ? runView(latestRun) : null;
    return { key: name, kind: "interactive", name, after: block.attributes.after ?? null };
  };

  const stops = found.map((block, i): Stop => {
    const view = viewOf(block);
    // One stop that waits for a prediction makes the view wait, from the lesson's beginning on.
    const known = view && views.get(view.key);
    if (view && (!known || (known.after === null && view.after !== null))) views.set(view.key, view);
    const state = Object.fromEntries(
      Object.entries(block.attributes).filter(([name]) => !VIEW_ATTRIBUTES.has(name)),
    );
    const focus = block.attributes.focus?.split(/\s+/).filter(Boolean) ?? [];
    return { id: `stop-${i + 1}`, block, view: view?.key ?? null, state, focus };
  });
  return { stops, views: [...views.values()] };
}

/**
 * Whether a view waits for a prediction that has not been made. A run is then locked as a whole, an
 * instrument keeps back only what a real run measured.
 */
export function isLocked(view: StageView, predictions: Lesson["predictions"]): boolean {
  return view.after !== null && !(view.after in predictions);
}

/** The view on the stage at a stop: its own, else the nearest earlier one, else the lesson's first. */
export function viewAt(plan: StagePlan, stop: number): StageView | null {
  for (let i = Math.min(stop, plan.stops.length - 1); i >= 0; i--) {
    const key = plan.stops[i]?.view;
    if (key) return plan.views.find((view) => view.key === key) ?? null;
  }
  return plan.views[0] ?? null;
}

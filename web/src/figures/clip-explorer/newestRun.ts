import type { Wire } from "../../api/client";
import { CLIP_MAX } from "./state";

type Run = Wire["RunSummary"];

/**
 * The run to look at first: the learner's own that goes now, else their newest, else a recorded one.
 * Stages of language models and runs without steps have no ratios, and a run whose ε lies off the
 * figure's scale (one without a clip, say) is shown only when it is asked for.
 */
export function newestRun(runs: readonly Run[]): Run | undefined {
  const shown = runs
    .filter((run) => run.kind === "control" && run.step > 0 && (run.latest.clip_range ?? 0) <= CLIP_MAX)
    .toSorted((a, b) => b.updated_at.localeCompare(a.updated_at));
  const own = shown.filter((run) => !run.recorded);
  const going = own.find((run) => run.state === "running" || run.state === "paused");
  return going ?? own[0] ?? shown[0];
}

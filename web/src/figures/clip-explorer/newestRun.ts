import type { Wire } from "../../api/client";

type Run = Wire["RunSummary"];

/** The run to look at first: one that goes now, else the newest that has made a step. */
export function newestRun(runs: readonly Run[]): Run | undefined {
  const started = runs.filter((run) => run.step > 0);
  const byAge = started.toSorted((a, b) => b.updated_at.localeCompare(a.updated_at));
  return byAge.find((run) => run.state === "running" || run.state === "paused") ?? byAge[0];
}

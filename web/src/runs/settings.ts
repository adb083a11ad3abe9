import type { RunEvent } from "./record";

/** The last change of a setting at or before `step`, as the log tells it. */
export function lastChange(
  events: RunEvent[],
  name: string,
  step = Number.POSITIVE_INFINITY,
): { from: number; step: number } | null {
  const event = events.findLast(
    (candidate) =>
      candidate.kind === "setting" && candidate.data.name === name && candidate.step <= step,
  );
  const from = Number(event?.data.from);
  return event && Number.isFinite(from) ? { from, step: event.step } : null;
}

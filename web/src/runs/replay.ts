import type { RunEvent } from "./record";

/** The measured step next to `at` in a direction; the same step at an end. `at` null is the newest. */
export function neighbour(steps: Float64Array, at: number | null, direction: 1 | -1): number | null {
  const last = steps.length - 1;
  if (last < 0) return null;
  if (at === null) return direction === 1 ? null : steps[Math.max(0, last - 1)]!;
  const index = lastAtOrBefore(steps, at);
  // Between two measured steps, one step back is the one just passed.
  const onStep = index >= 0 && steps[index] === at;
  const next = direction === 1 ? index + 1 : onStep ? index - 1 : index;
  return steps[Math.min(last, Math.max(0, next))]!;
}

/** The nearest measured step to a place on the track. */
export function nearest(steps: Float64Array, step: number): number {
  const index = lastAtOrBefore(steps, step);
  if (index < 0) return steps[0] ?? 0;
  const next = steps[index + 1];
  const here = steps[index]!;
  return next !== undefined && next - step < step - here ? next : here;
}

/** The position of the last measured step at or before `step`; -1 when there is none. */
export function lastAtOrBefore(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps[middle]! <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export interface Mark {
  step: number;
  kind: "checkpoint" | "setting" | "alert" | "state" | "rewind";
  words: string;
}

/** The events worth a mark on the track, with what each says. */
export function marksOf(events: RunEvent[]): Mark[] {
  return events.flatMap(({ kind, step, data }): Mark[] => {
    switch (kind) {
      case "checkpoint":
        return [{ step, kind, words: "checkpoint" }];
      case "setting":
        return [{ step, kind, words: `${String(data.name).replaceAll("_", " ")} ${String(data.from)} → ${String(data.value)}` }];
      case "alert":
        return [{ step, kind, words: alertWords(data) }];
      case "rewind":
        return [{ step, kind, words: rewindWords(Number(data.to_step)) }];
      case "state":
        return [{ step, kind, words: String(data.words ?? data.state) }];
      default:
        return [];
    }
  });
}

function alertWords(data: Record<string, unknown>): string {
  const name = String(data.kind ?? data.name ?? "alert");
  const evidence = typeof data.evidence === "object" && data.evidence ? data.evidence : {};
  const parts = Object.entries(evidence).map(([key, value]) => `${key} ${String(value)}`);
  return parts.length > 0 ? `${name}: ${parts.join(", ")}` : name;
}

/** The step of the next event in a direction; null when there is none. */
export function nextMark(marks: Mark[], at: number, direction: 1 | -1): number | null {
  const steps = marks.map((mark) => mark.step);
  const found =
    direction === 1 ? steps.filter((s) => s > at).sort((a, b) => a - b)[0] : steps.filter((s) => s < at).sort((a, b) => b - a)[0];
  return found ?? null;
}

/** Without a checkpoint a run begins anew, which the log tells as a step before the first. */
function rewindWords(to: number): string {
  return to < 0 ? "began anew" : `went back to the checkpoint at step ${to.toLocaleString("en-US")}`;
}

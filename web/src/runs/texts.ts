import type { RunEvent } from "./record";

/** Texts that a run recorded at a step. */
export interface Texts {
  step: number;
  texts: string[];
}

/** The first texts of a run, and the newest at or before a step; null where there are none. */
export function textsAt(events: RunEvent[], at: number | null): { first: Texts; now: Texts } | null {
  const all = events.flatMap((event): Texts[] => {
    const texts = event.kind === "sample" ? event.data.texts : undefined;
    return Array.isArray(texts) ? [{ step: event.step, texts: texts.map(String) }] : [];
  });
  const first = all[0];
  if (!first) return null;
  const past = at === null ? all : all.filter((texts) => texts.step <= at);
  return { first, now: past.at(-1) ?? first };
}

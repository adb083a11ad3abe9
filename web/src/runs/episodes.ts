import type { Wire } from "../api/client";
import { wholeNumber } from "./words";

export type Episode = Wire["Episode"];
export type EpisodeSummary = Wire["EpisodeSummary"];

/** Where a picture lies: on which sheet, and where on it, counted in pictures. */
export interface Place {
  sheet: number;
  column: number;
  row: number;
  /** Pictures side by side and below each other on that sheet, whose last may be smaller. */
  columns: number;
  rows: number;
  /** The step before which it was taken. */
  step: number;
}

/** The picture to show before step `t`: that moment's, or of a thinned episode the last before it. */
export function placeAt(frames: Wire["EpisodeFrames"], t: number): Place {
  let low = 0;
  let high = frames.steps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frames.steps[middle]! <= t) low = middle + 1;
    else high = middle;
  }
  const index = Math.max(0, low - 1);
  const each = frames.columns * frames.rows;
  const sheet = Math.floor(index / each);
  const place = index % each;
  const there = Math.min(each, frames.steps.length - sheet * each);
  const columns = Math.min(frames.columns, there);
  return {
    sheet,
    column: place % columns,
    row: Math.floor(place / columns),
    columns,
    rows: Math.ceil(there / columns),
    step: frames.steps[index] ?? 0,
  };
}

/** The address of a sheet of pictures. */
export function sheetAddress(run: string, episode: string, sheet: number): string {
  return `/api/runs/${encodeURIComponent(run)}/episodes/${encodeURIComponent(episode)}/sheets/${sheet}`;
}

/** Rewards added up: at `t` what steps before `t` brought; one entry more than there are steps. */
export function returnsSoFar(rewards: readonly (number | null)[]): number[] {
  const sums = [0];
  for (const reward of rewards) sums.push(sums[sums.length - 1]! + (reward ?? 0));
  return sums;
}

/** An action as the policy chose it: a number, or several. */
export function actionWords(action: unknown): string {
  if (Array.isArray(action)) return action.map(actionWords).join(", ");
  return typeof action === "number" ? shortNumber(action) : String(action);
}

/** A number as it stands beside a picture. */
export function shortNumber(value: number | null | undefined): string {
  if (value === undefined) return "–";
  if (value === null) return "not finite";
  if (Number.isInteger(value)) return wholeNumber(value);
  return Math.abs(value) < 0.01 || Math.abs(value) >= 10_000 ? value.toPrecision(3) : value.toFixed(2);
}

/** How an episode went, in a few words. */
export function outcome(episode: EpisodeSummary): string {
  const end = episode.truncated ? "cut off by the time limit" : "ended by the task";
  return `return ${shortNumber(episode.episode_return)} in ${wholeNumber(episode.length)} steps, ${end}`;
}

/** An episode as a list names it. */
export function entry(episode: EpisodeSummary): string {
  const actions = episode.deterministic ? "likeliest" : "drawn";
  return `Step ${wholeNumber(episode.step)}, ${actions}, seed ${episode.seed}: ${shortNumber(episode.episode_return)}`;
}

/** Who played, in words. */
export function playedBy(episode: EpisodeSummary): string {
  const actions = episode.deterministic ? "likeliest actions" : "drawn actions";
  return `Policy of step ${wholeNumber(episode.step)}, ${actions}, seed ${episode.seed}`;
}

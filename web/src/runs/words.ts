import type { Wire } from "../api/client";

/** How the feed stands with the server. */
export type Link = "opening" | "following" | "reconnecting" | "gone" | "failed" | "closed";

export type RunState = Wire["RunSummary"]["state"];

/** A whole number with thin groups: 20,480. */
export function wholeNumber(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** States in which a process works on the run. */
export function isLive(state: RunState): boolean {
  return state === "waiting" || state === "starting" || state === "running" || state === "paused";
}

/** States in which a setting can be changed: before them nothing trains yet. */
export function takesSettings(state: RunState | null): boolean {
  return state === "running" || state === "paused";
}

/** What the run does, in words that stay true while the connection is away. */
export function stateWords(link: Link, state: RunState, words: string, step: number): string {
  const at = `step ${wholeNumber(step)}`;
  if (link === "gone") return `server gone, last seen at ${at}`;
  if (link === "reconnecting") return `reconnecting…, last seen at ${at}`;
  switch (state) {
    case "running":
      return `live, ${at}`;
    case "paused":
      return `paused at ${at}`;
    case "waiting":
      return words || "waiting for a free slot";
    case "starting":
      return words || "starting";
    case "finished":
      return words || `finished at ${at}`;
    case "stopped":
      return words || `stopped at ${at}`;
    case "interrupted":
      return words || `interrupted at ${at}`;
    case "failed":
      return words || `failed at ${at}`;
  }
}

/** Lines that were typed and not checked yet, kept in this browser. */

const key = (slug: string, chain: number) => `ppolab.lines:${slug}/${chain}`;

/** The lines to begin with: what was typed last, else the newest attempt, else an empty one. */
export function openingLines(slug: string, chain: number, attempt: readonly string[]): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(slug, chain)) ?? "null");
    if (Array.isArray(kept) && kept.length > 0 && kept.every((line) => typeof line === "string")) return kept;
  } catch {
    // Spoilt or out of reach: the attempt is there.
  }
  return attempt.length > 0 ? [...attempt] : [""];
}

/** Keep lines; where the browser keeps nothing, the next check still sends them. */
export function keepLines(slug: string, chain: number, lines: readonly string[]): void {
  try {
    localStorage.setItem(key(slug, chain), JSON.stringify(lines));
  } catch {
    // A private window may refuse.
  }
}

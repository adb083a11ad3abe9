/** Unsent text of a challenge, kept in this browser until the server has it. */

const KEY = "ppolab.draft:";

export interface LocalDraft {
  source: string;
  /** the server has this text too */
  saved: boolean;
}

export function readLocalDraft(slug: string): LocalDraft | null {
  try {
    const raw = localStorage.getItem(KEY + slug);
    if (!raw) return null;
    const draft = JSON.parse(raw) as Partial<LocalDraft>;
    return typeof draft.source === "string"
      ? { source: draft.source, saved: draft.saved === true }
      : null;
  } catch {
    return null;
  }
}

/** Whether it could be kept. */
export function keepLocalDraft(slug: string, draft: LocalDraft): boolean {
  try {
    localStorage.setItem(KEY + slug, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

/**
 * The text to open the editor with. Text that the server never got wins over what it has, for it
 * was written later; otherwise the server's draft holds, which may come from another browser.
 */
export function openingText(
  starter: string,
  serverDraft: string | null,
  local: LocalDraft | null,
): string {
  if (local && !local.saved) return local.source;
  return serverDraft ?? starter;
}

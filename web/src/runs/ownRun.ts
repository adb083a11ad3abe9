import { useCallback, useEffect, useSyncExternalStore } from "react";

import { useRun } from "./hooks";

const noSubscription = () => () => undefined;

/** Whether the server says that there is no such run: it was deleted, or never was. */
export function useGone(id: string | null): boolean {
  const feed = useRun(id);
  return useSyncExternalStore(
    feed?.subscribe ?? noSubscription,
    () => feed?.getSnapshot().error?.status === 404,
  );
}

const listeners = new Set<() => void>();
/** What was chosen since the page was loaded; counts where storage is switched off. */
const chosen = new Map<string, string | null>();

function recall(key: string): string | null {
  const value = chosen.get(key);
  if (value !== undefined) return value;
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, id: string | null): void {
  chosen.set(key, id);
  try {
    if (id === null) localStorage.removeItem(key);
    else localStorage.setItem(key, id);
    chosen.delete(key); // storage has it
  } catch {
    // It then lasts until the page is left; the run is still found under Runs.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The run of a preset that the learner started last at a place in the course, as this browser
 * remembers it; all who ask see one answer. A run that was deleted is forgotten: null, as if there
 * had been none, so that whoever shows it falls back to the recorded run.
 */
export function useOwnRun(
  place: string,
  preset: string | null,
): [string | null, (id: string) => void] {
  const key = preset === null ? null : `ppolab.run:${place}:${preset}`;
  const id = useSyncExternalStore(subscribe, () => (key === null ? null : recall(key)));
  const gone = useGone(id);
  useEffect(() => {
    if (gone && key !== null && recall(key) === id) keep(key, null);
  }, [gone, key, id]);
  const remember = useCallback(
    (started: string) => {
      if (key !== null) keep(key, started);
    },
    [key],
  );
  return [gone ? null : id, remember];
}

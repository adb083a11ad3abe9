import { RunFeed } from "./feed";
import { serverTransport } from "./transport";

interface Shared {
  feed: RunFeed;
  users: number;
  closing: ReturnType<typeof setTimeout> | null;
}

const LINGER = 5000; // ms that a feed stays open without users: a change of page is not a reload

const shared = new Map<string, Shared>();

/** The feed of a run, one for all who look at it. It closes by itself unless someone holds it. */
export function feedOf(id: string): RunFeed {
  const known = shared.get(id);
  if (known) return known.feed;
  const entry: Shared = { feed: new RunFeed(id, serverTransport), users: 0, closing: null };
  shared.set(id, entry);
  closeLater(id, entry);
  void entry.feed.open();
  return entry.feed;
}

/** Keep a run's feed open; give it back with `releaseFeed`. */
export function holdFeed(id: string): void {
  feedOf(id);
  const entry = shared.get(id)!;
  if (entry.closing) clearTimeout(entry.closing);
  entry.closing = null;
  entry.users += 1;
}

export function releaseFeed(id: string): void {
  const entry = shared.get(id);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users === 0) closeLater(id, entry);
}

/** A run was deleted: whoever asks for it next asks the server. */
export function forgetFeed(id: string): void {
  const entry = shared.get(id);
  if (!entry) return;
  if (entry.closing) clearTimeout(entry.closing);
  entry.feed.close();
  shared.delete(id);
}

function closeLater(id: string, entry: Shared): void {
  entry.closing = setTimeout(() => {
    entry.feed.close();
    if (shared.get(id) === entry) shared.delete(id);
  }, LINGER);
}

/** Tell every open feed whether the page is seen. */
export function setAllSeen(seen: boolean): void {
  for (const { feed } of shared.values()) feed.setSeen(seen);
}

/** The server came back: reconnect now instead of waiting out the backoff. */
export function retryAllNow(): void {
  for (const { feed } of shared.values()) feed.retryNow();
}

import { create } from "zustand";

/** Whether the server answers. Requests report; the banner shows; a watcher asks until it is back. */
interface ServerStatus {
  gone: boolean;
  /** Grows with each return of the server, so that views know when to ask again. */
  returns: number;
  /** Time (ms, performance clock of Date.now) of the next attempt, while gone. */
  nextTry: number | null;
}

export const useServerStatus = create<ServerStatus>(() => ({
  gone: false,
  returns: 0,
  nextTry: null,
}));

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 10_000;

let timer: ReturnType<typeof setTimeout> | null = null;
let wait = FIRST_WAIT;

/** A request came through. */
export function serverAnswered(): void {
  if (timer) clearTimeout(timer);
  timer = null;
  wait = FIRST_WAIT;
  if (!useServerStatus.getState().gone) return;
  useServerStatus.setState((s) => ({ gone: false, nextTry: null, returns: s.returns + 1 }));
}

/** A request got no answer: say so, and ask for the server's health until it is back. */
export function serverSilent(): void {
  if (timer) return;
  useServerStatus.setState({ gone: true, nextTry: Date.now() + wait });
  timer = setTimeout(() => {
    timer = null;
    wait = Math.min(wait * 1.6, LONGEST_WAIT);
    void askNow();
  }, wait);
}

/** Ask at once whether the server is there. */
export async function askNow(): Promise<void> {
  try {
    const response = await fetch("/health", { cache: "no-store" });
    if (response.status >= 500 && response.status !== 503) throw new Error("not served");
    serverAnswered();
  } catch {
    serverSilent();
  }
}

/** Follows an attempt over its WebSocket until it is done, through lost connections. */

import type { Wire } from "../api/client";
import type { Attempt } from "./attempt";

export interface FollowHandlers {
  onAttempt: (attempt: Attempt) => void;
  /** "live" while connected, "reconnecting" between tries */
  onConnection: (state: "live" | "reconnecting") => void;
  /** the server refused: it does not know this attempt; following ends */
  onRefused: (words: string) => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;

/**
 * Start following; the returned function stops it.
 *
 * The stream sends the newest state as its first message, so that a new connection needs nothing
 * else to catch up. Waits between tries double up to 8 s and are spread by up to half, so that
 * many pages do not return at once.
 */
export function followAttempt(
  id: number,
  handlers: FollowHandlers,
  open: (url: string) => WebSocket = (url) => new WebSocket(url),
): () => void {
  let stopped = false;
  let wait = FIRST_WAIT;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | null = null;

  const connect = () => {
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    socket = open(`${scheme}://${window.location.host}/ws/attempts/${id}`);
    socket.onopen = () => {
      wait = FIRST_WAIT;
      handlers.onConnection("live");
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      const message = readMessage(event.data);
      if (!message || stopped) return;
      if (message.type === "error") {
        handlers.onRefused(message.problem.detail);
        stop();
        return;
      }
      handlers.onAttempt(message.attempt);
      if (message.attempt.status === "done") stop();
    };
    socket.onclose = () => {
      if (stopped) return;
      handlers.onConnection("reconnecting");
      timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    socket?.close();
  };
  connect();
  return stop;
}

type AttemptStreamMessage = Wire["AttemptMessage"] | Wire["ErrorMessage"];

/** A message of the stream, or null for anything that is none. */
export function readMessage(data: unknown): AttemptStreamMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data) as Partial<AttemptStreamMessage> | null;
    if (message?.type === "attempt" && message.attempt) return message as Wire["AttemptMessage"];
    if (message?.type === "error" && message.problem) return message as Wire["ErrorMessage"];
    return null;
  } catch {
    return null;
  }
}

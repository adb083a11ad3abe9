import { useEffect, useState } from "react";
import { type Attempt, announcement, foldAttempt } from "./attempt";
import { followAttempt } from "./followAttempt";

export interface FollowedAttempt {
  attempt: Attempt | null;
  connection: "live" | "reconnecting";
  /** why following ended without a verdict, or null */
  refused: string | null;
  /** the last change in words, for a live region */
  said: string;
}

/** Follow a submitted attempt until it is done. `start` is the server's answer to the submission. */
export function useAttempt(start: Attempt | null): FollowedAttempt {
  const [state, setState] = useState<FollowedAttempt>({
    attempt: null,
    connection: "live",
    refused: null,
    said: "",
  });
  useEffect(() => {
    if (!start) return;
    const take = (incoming: Attempt) =>
      setState((before) => {
        const attempt = foldAttempt(before.attempt, incoming);
        if (attempt === before.attempt) return before;
        const same = before.attempt?.id === attempt.id ? before.attempt : null;
        return { ...before, attempt, refused: null, said: announcement(same, attempt) || before.said };
      });
    take(start);
    if (start.status === "done") return;
    return followAttempt(start.id, {
      onAttempt: take,
      onConnection: (connection) => setState((before) => ({ ...before, connection })),
      onRefused: (refused) => setState((before) => ({ ...before, refused })),
    });
  }, [start]);
  return state;
}

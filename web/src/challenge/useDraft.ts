import { useCallback, useEffect, useRef, useState } from "react";
import { answer, api } from "../api/client";
import { asProblem } from "../api/problem";
import { keepLocalDraft } from "./draft";

const SAVE_AFTER = 800; // ms without a key press

/** What is said about the draft beside the editor. */
export type DraftWords = string;

/**
 * Save the text of a challenge while it is written: at once in this browser, and on the server when
 * the typing rests. Returns what to call on each change, and how saving stands in words.
 */
export function useDraft(slug: string): { change: (source: string) => void; words: DraftWords } {
  const [words, setWords] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<string | null>(null);

  const send = useCallback(async () => {
    const source = pending.current;
    if (source === null) return;
    try {
      await answer(
        api.PUT("/api/challenges/{slug}/draft", { params: { path: { slug } }, body: { source } }),
      );
      // What was typed while the request was on its way is still to be sent.
      if (pending.current !== source) return;
      pending.current = null;
      keepLocalDraft(slug, { source, saved: true });
      setWords("Draft saved");
    } catch (error) {
      const problem = asProblem(error);
      setWords(
        problem.serverGone
          ? "Draft kept in this browser; the server does not answer"
          : `Draft kept in this browser only. ${problem.detail}`,
      );
    }
  }, [slug]);

  const change = useCallback(
    (source: string) => {
      pending.current = source;
      const kept = keepLocalDraft(slug, { source, saved: false });
      setWords(kept ? "Saving the draft…" : "Not saved yet");
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void send(), SAVE_AFTER);
    },
    [slug, send],
  );

  useEffect(
    () => () => {
      clearTimeout(timer.current);
      void send();
    },
    [send],
  );
  return { change, words };
}

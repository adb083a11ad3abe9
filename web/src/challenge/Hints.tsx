import { useState } from "react";
import type { Wire } from "../api/client";
import { Blocks } from "../lessons/Blocks";

/** Hints, one at a time: each is asked for. */
export function Hints({ hints }: { hints: Wire["Challenge"]["hints"] }) {
  const [shown, setShown] = useState(0);
  if (hints.length === 0) return null;
  return (
    <section className="hints" aria-label="Hints">
      <ol aria-live="polite">
        {hints.slice(0, shown).map((hint, i) => (
          <li key={i}>
            <p className="hint-name">
              Hint {i + 1} of {hints.length}
            </p>
            <Blocks of={hint} />
          </li>
        ))}
      </ol>
      {shown < hints.length && (
        <button type="button" className="btn" onClick={() => setShown(shown + 1)}>
          {shown === 0 ? "Show a hint" : "Show the next hint"} ({shown + 1} of {hints.length})
        </button>
      )}
    </section>
  );
}

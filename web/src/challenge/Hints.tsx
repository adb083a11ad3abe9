import { Lock } from "lucide-react";
import { useState } from "react";
import type { Wire } from "../api/client";
import { Blocks } from "../lessons/Blocks";

interface HintsProps {
  hints: Wire["Challenge"]["hints"];
  /** graded submissions so far that differ from one another */
  tries: number;
}

/** Hints, one at a time: each is asked for, and each further one opens after one more try. */
export function Hints({ hints, tries }: HintsProps) {
  const [asked, setAsked] = useState(0);
  if (hints.length === 0) return null;
  const open = hints.filter((hint) => hint.blocks !== null).length;
  const shown = Math.min(asked, open);
  const locked = hints[open];
  return (
    <section className="hints" aria-label="Hints">
      <ol aria-live="polite">
        {hints.slice(0, shown).map((hint) => (
          <li key={hint.number}>
            <p className="hint-name">
              Hint {hint.number} of {hints.length}
            </p>
            <Blocks of={hint.blocks ?? []} />
          </li>
        ))}
      </ol>
      {shown < open && (
        <button type="button" className="btn" onClick={() => setAsked(shown + 1)}>
          {shown === 0 ? "Show a hint" : "Show the next hint"} ({shown + 1} of {hints.length})
        </button>
      )}
      {shown === open && locked && (
        <p className="caption hint-locked">
          <Lock size={14} aria-hidden /> Hint {locked.number} of {hints.length} opens after{" "}
          {locked.after === 1 ? "a first try" : `${locked.after} different tries`}
          {tries > 0 && <>; you have made {tries}</>}.
        </p>
      )}
    </section>
  );
}

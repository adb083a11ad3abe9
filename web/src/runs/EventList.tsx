import type { Mark } from "./replay";
import { wholeNumber } from "./words";

interface Props {
  marks: Mark[];
  at: number | null;
  onGo: (step: number) => void;
}

/** What happened in a run besides its numbers, oldest first; each leads to its step. */
export function EventList({ marks, at, onGo }: Props) {
  // Checkpoints come by the dozen and stand on the track already.
  const events = marks.filter((mark) => mark.kind !== "checkpoint");
  // Of what a preparation tells again and again, such as answers written, the last is enough.
  const told = events.filter((mark, i) => !mark.words.startsWith("starting:") || !events[i + 1]?.words.startsWith("starting:"));
  if (told.length === 0) return null;
  return (
    <section className="card event-list" aria-label="What happened">
      <h2>What happened</h2>
      <ol>
        {told.map((mark, index) => (
          // The log may tell the same words at the same step twice; the place in it tells them apart.
          <li key={`${index}-${mark.step}`}>
            <button
              type="button"
              aria-current={at === mark.step ? "step" : undefined}
              onClick={() => onGo(mark.step)}
            >
              <span className="num">{wholeNumber(mark.step)}</span>
              <span>{mark.words}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

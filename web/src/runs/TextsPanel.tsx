import { textsAt, type Texts } from "./texts";
import type { RunFeed } from "./feed";
import { useFeed } from "./hooks";
import { wholeNumber } from "./words";

interface Props {
  feed: RunFeed | null;
  /** The step a replay looks at; null follows the newest. */
  at: number | null;
}

/** What a language model wrote on the same held-out prompts, at the start and now. */
export function TextsPanel({ feed, at }: Props) {
  useFeed(feed);
  const texts = textsAt(feed?.record.events ?? [], at);
  if (!texts) return null;
  return (
    <section className="card texts-panel" aria-labelledby="texts-title">
      <h2 id="texts-title">What it writes</h2>
      <p className="caption">
        Answers to the same held-out prompts, drawn with the same chance, when the run began and at
        the step looked at.
      </p>
      <div className="texts-columns">
        <TextList title="At the start" texts={texts.first} />
        {texts.now.step > texts.first.step && (
          <TextList title={`After ${wholeNumber(texts.now.step)} updates`} texts={texts.now} />
        )}
      </div>
    </section>
  );
}

function TextList({ title, texts }: { title: string; texts: Texts }) {
  return (
    <div>
      <h3 className="label">{title}</h3>
      <ol>
        {texts.texts.map((text, index) => (
          <li key={index}>{text}</li>
        ))}
      </ol>
    </div>
  );
}

import { Check, ChevronDown, ListChecks, Sigma, SquareTerminal } from "lucide-react";

import { ITEM_NAMES, type ItemKind } from "./address";
import { LessonAnchor } from "./LessonAnchor";
import { type Chapter, contentWords } from "./progress";

/** A chapter on the map: open with its lessons when written, else with its goals, folded or not. */
export function ChapterEntry({ chapter, open }: { chapter: Chapter; open: boolean }) {
  return (
    <li className="chapter" data-written={chapter.written ? "" : undefined}>
      {chapter.written ? <Written chapter={chapter} /> : <Planned chapter={chapter} open={open} />}
    </li>
  );
}

function Written({ chapter }: { chapter: Chapter }) {
  return (
    <div className="card chapter-open">
      <div className="chapter-line">
        <span className="chapter-number num">{chapter.number}</span>
        <div className="min-w-0">
          <h3>{chapter.title}</h3>
          <p className="caption">{contentWords(chapter.lessons)}</p>
        </div>
      </div>
      <ul className="chapter-lessons">
        {chapter.lessons.map((link, index) => (
          <li key={`${link.kind}-${link.slug}`}>
            <LessonAnchor chapter={chapter} link={link} className="chapter-lesson">
              <span className="num lesson-number">
                <ItemMark kind={link.kind} number={`${chapter.number}.${index + 1}`} />
              </span>
              <span className="min-w-0 flex-1">{link.title}</span>
              {link.done ? (
                <span className="lesson-done">
                  <Check size={15} aria-hidden /> done
                </span>
              ) : (
                <span className="caption num">{link.minutes} min</span>
              )}
            </LessonAnchor>
          </li>
        ))}
      </ul>
    </div>
  );
}

function ItemMark({ kind, number }: { kind: ItemKind; number: string }) {
  if (kind === "lesson") return number;
  const Icon = { challenge: SquareTerminal, questions: ListChecks, derivation: Sigma }[kind];
  return <Icon size={15} aria-label={ITEM_NAMES[kind]} role="img" />;
}

function Planned({ chapter, open }: { chapter: Chapter; open: boolean }) {
  return (
    <details className="chapter-planned" open={open}>
      <summary>
        <span className="chapter-number num">{chapter.number}</span>
        <span className="min-w-0 flex-1">
          <span className="chapter-title">{chapter.title}</span>
          <span className="caption">not written yet</span>
        </span>
        <ChevronDown size={16} aria-hidden className="chevron" />
      </summary>
      <ul className="chapter-goals">
        {chapter.goals.map((goal) => (
          <li key={goal}>{goal}</li>
        ))}
      </ul>
    </details>
  );
}

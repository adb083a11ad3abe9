import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { ITEM_NAMES, itemAddress } from "../map/address";
import { type Role, RoleName } from "../ui/RoleMark";
import type { ChapterLink, LessonLink } from "./ast";

const ROLES: Role[] = ["actor", "critic", "reward", "reference"];

/** The chapter's lessons and challenges with their done marks. */
export function ChapterContents({ chapter, here }: { chapter: ChapterLink; here: string }) {
  const done = chapter.lessons.filter((lesson) => lesson.done).length;
  return (
    <nav aria-label={`Chapter ${chapter.number}`} className="chapter-contents">
      <p className="contents-count">
        {chapter.title}: {done} of {chapter.lessons.length} done
      </p>
      <ol>
        {chapter.lessons.map((lesson, i) => (
          <li key={`${lesson.kind} ${lesson.slug}`}>
            <ContentsLink
              chapter={chapter.slug}
              lesson={lesson}
              number={`${chapter.number}.${i + 1}`}
              here={lesson.kind === "lesson" && lesson.slug === here}
            />
          </li>
        ))}
      </ol>
    </nav>
  );
}

interface ContentsLinkProps {
  chapter: string;
  lesson: LessonLink;
  number: string;
  here: boolean;
}

function ContentsLink({ chapter, lesson, number, here }: ContentsLinkProps) {
  const inside = (
    <>
      <span className="contents-number">{number}</span>
      <span>
        {lesson.title}
        {lesson.kind !== "lesson" && <small>{ITEM_NAMES[lesson.kind].toLowerCase()}</small>}
      </span>
      {lesson.done && (
        <span className="contents-done">
          <Check size={14} aria-hidden />
          <span className="sr-only">done</span>
        </span>
      )}
    </>
  );
  return (
    <Link
      to={itemAddress(lesson.kind, chapter, lesson.slug)}
      className="contents-link"
      aria-current={here ? "page" : undefined}
    >
      {inside}
    </Link>
  );
}

/** What the colours and glyphs of the four roles mean. */
export function RoleLegend() {
  return (
    <ul className="legend" aria-label="Roles and their marks">
      {ROLES.map((role) => (
        <li key={role}>
          <RoleName role={role} />
        </li>
      ))}
    </ul>
  );
}

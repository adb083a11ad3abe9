import type { Wire } from "../api/client";

export type Course = Wire["CourseMap"];
export type Chapter = Wire["ChapterLink"];
export type LessonLink = Wire["LessonLink"];

export interface NextStep {
  chapter: Chapter;
  link: LessonLink;
  /** Nothing was done yet. */
  first: boolean;
}

/**
 * The first thing that is not done; null when all that is written is done. Chapters with lessons come
 * first: a derivation alone, before its chapter is written, is no place to start.
 */
export function nextStep(course: Course): NextStep | null {
  const taught = course.chapters.filter((chapter) => chapter.lessons.some(({ kind }) => kind === "lesson"));
  for (const chapter of [...taught, ...course.chapters]) {
    const link = chapter.lessons.find((candidate) => !candidate.done);
    if (link) return { chapter, link, first: course.done === 0 };
  }
  return null;
}

/** The chapters of a phase, in their order. */
export function chaptersOf(course: Course, phase: string): Chapter[] {
  return course.chapters.filter((chapter) => chapter.phase === phase);
}

// Rough heights on the map, in lines of 20 px; they only decide what has room.
const FOLDED = 3.4;
const OPEN = 3.7;
const LESSON = 1.8;
const GOAL_LETTERS = 50; // a line of a goal
const SLACK = 2; // lines that a column may pass the longest by

function height(chapter: Chapter): number {
  return chapter.written ? OPEN + LESSON * chapter.lessons.length : FOLDED;
}

function goalsHeight(chapter: Chapter): number {
  return chapter.goals.reduce((sum, goal) => sum + Math.ceil(goal.length / GOAL_LETTERS) + 0.2, 0.7);
}

/**
 * The chapters, by slug, whose goals stand unfolded where the phases stand side by side: the first
 * unwritten ones of each phase, as long as its column has room beside the longest.
 */
export function unfolded(course: Course): ReadonlySet<string> {
  const columns = course.phases.map((phase) => chaptersOf(course, phase.name));
  const used = columns.map((chapters) => chapters.reduce((sum, c) => sum + height(c), 0));
  const room = Math.max(...used) + SLACK;
  const open = new Set<string>();
  columns.forEach((chapters, column) => {
    for (const chapter of chapters.filter(({ written }) => !written)) {
      used[column] = (used[column] ?? 0) + goalsHeight(chapter);
      if (used[column] > room) break;
      open.add(chapter.slug);
    }
  });
  return open;
}

/** "3 lessons, a quiz and 1 challenge, 45 minutes". */
export function contentWords(links: LessonLink[]): string {
  const of = (kind: LessonLink["kind"]) => links.filter((link) => link.kind === kind).length;
  const parts = [
    count(of("lesson"), "lesson"),
    of("questions") > 0 ? "a quiz" : "",
    count(of("derivation"), "derivation"),
    count(of("challenge"), "challenge"),
  ].filter(Boolean);
  const minutes = links.reduce((sum, link) => sum + link.minutes, 0);
  const last = parts.pop() ?? "";
  return `${parts.length > 0 ? `${parts.join(", ")} and ` : ""}${last}, ${minutes} minutes`;
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : `${number} ${noun}${number === 1 ? "" : "s"}`;
}

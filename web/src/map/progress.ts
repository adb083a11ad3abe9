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

/** The first lesson or challenge that is not done; null when all that is written is done. */
export function nextStep(course: Course): NextStep | null {
  for (const chapter of course.chapters) {
    const link = chapter.lessons.find((candidate) => !candidate.done);
    if (link) return { chapter, link, first: course.done === 0 };
  }
  return null;
}

/** The chapters of a phase, in their order. */
export function chaptersOf(course: Course, phase: string): Chapter[] {
  return course.chapters.filter((chapter) => chapter.phase === phase);
}

/** "3 lessons and 1 challenge, 45 minutes". */
export function contentWords(links: LessonLink[]): string {
  const lessons = links.filter((link) => link.kind === "lesson").length;
  const challenges = links.length - lessons;
  const parts = [count(lessons, "lesson"), count(challenges, "challenge")].filter(Boolean);
  const minutes = links.reduce((sum, link) => sum + link.minutes, 0);
  return `${parts.join(" and ")}, ${minutes} minutes`;
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : `${number} ${noun}${number === 1 ? "" : "s"}`;
}

import type { Wire } from "../api/client";

export type ItemKind = Wire["LessonLink"]["kind"];

/** Where something to learn or do lies within the page. */
export function itemAddress(kind: ItemKind, chapter: string, slug: string): string {
  switch (kind) {
    case "lesson":
      return `/learn/${chapter}/${slug}`;
    case "challenge":
      return `/challenge/${slug}`;
    case "questions":
      return `/questions/${chapter}`;
    case "derivation":
      return `/derivation/${slug}`;
  }
}

/** What it is called, as in "Challenge: …". */
export const ITEM_NAMES: Record<ItemKind, string> = {
  lesson: "Lesson",
  challenge: "Challenge",
  questions: "Questions",
  derivation: "Derivation",
};

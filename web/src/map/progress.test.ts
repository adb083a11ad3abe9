import { describe, expect, it } from "vitest";

import { chaptersOf, contentWords, type Course, nextStep } from "./progress";

const link = (slug: string, done: boolean, kind: "lesson" | "challenge" = "lesson") => ({
  slug,
  title: slug,
  minutes: 10,
  kind,
  done,
});
const chapter = (number: number, phase: string, lessons: ReturnType<typeof link>[]) => ({
  number,
  slug: `chapter-${number}`,
  title: "",
  phase,
  goals: [],
  written: lessons.length > 0,
  lessons,
});
const course = (lessons: ReturnType<typeof link>[]): Course => ({
  title: "PPO Lab",
  phases: [],
  chapters: [chapter(1, "A", []), chapter(4, "B", lessons)],
  done: lessons.filter(({ done }) => done).length,
  total: lessons.length,
});

describe("the next step", () => {
  it("is the first that is not done, in the order of the course", () => {
    const next = nextStep(course([link("one", true), link("two", false), link("three", false)]));
    expect(next).toMatchObject({ link: { slug: "two" }, chapter: { number: 4 }, first: false });
  });
  it("is told to be the first while nothing is done", () => {
    expect(nextStep(course([link("one", false)]))?.first).toBe(true);
  });
  it("is none when all that is written is done", () => {
    expect(nextStep(course([link("one", true)]))).toBeNull();
  });
});

it("a chapter says what is in it", () => {
  expect(contentWords([link("a", false), link("b", false), link("c", false, "challenge")])).toBe(
    "2 lessons and 1 challenge, 30 minutes",
  );
  expect(contentWords([link("a", false)])).toBe("1 lesson, 10 minutes");
});

it("chapters are found by their phase", () => {
  expect(chaptersOf(course([]), "B").map(({ number }) => number)).toEqual([4]);
});

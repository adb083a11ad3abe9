import { describe, expect, it } from "vitest";

import { chaptersOf, contentWords, type Course, type LessonLink, nextStep, unfolded } from "./progress";

const link = (slug: string, done: boolean, kind: LessonLink["kind"] = "lesson") => ({
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
  it("is in a chapter that has lessons, as long as there is one", () => {
    const early = { ...chapter(2, "A", [link("derive", false, "derivation")]) };
    const both = course([link("one", false)]);
    both.chapters.unshift(early);
    expect(nextStep(both)).toMatchObject({ link: { slug: "one" } });
    both.chapters = [early, chapter(4, "B", [link("one", true)])];
    expect(nextStep(both)).toMatchObject({ link: { slug: "derive" } });
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
  expect(contentWords([link("a", false, "derivation"), link("b", false, "questions"), link("c", false)])).toBe(
    "1 lesson, a quiz and 1 derivation, 30 minutes",
  );
});

it("chapters are found by their phase", () => {
  expect(chaptersOf(course([]), "B").map(({ number }) => number)).toEqual([4]);
});

describe("the goals that stand unfolded", () => {
  const phase = (name: string) => ({ name, summary: "" });
  const planned = (number: number, of: string) => ({ ...chapter(number, of, []), goals: ["a goal", "another"] });
  const map = (chapters: Course["chapters"]): Course => ({
    ...course([]),
    phases: [phase("A"), phase("B")],
    chapters,
  });

  it("fill a short column from its first chapter on, and leave the longest as it is", () => {
    const long = [1, 2, 3].map((number) => planned(number, "A"));
    const written = chapter(4, "A", [link("one", false), link("two", false)]);
    // A: 3 × 3.4 + 3.7 + 2 × 1.8 = 17.5 lines, so 19.5 with the slack. Goals of two lines take 3.1.
    // B: 3 × 3.4 = 10.2, and two of them more make 16.4; a third would make 19.5, a fourth 22.6.
    const short = [5, 6, 7].map((number) => planned(number, "B"));
    expect([...unfolded(map([...long, written, ...short]))]).toEqual(["chapter-5", "chapter-6", "chapter-7"]);
    const higher = [5, 6, 7, 8].map((number) => planned(number, "B"));
    expect([...unfolded(map([...long, written, ...higher]))]).toEqual(["chapter-5"]);
  });

  it("are none of a chapter that is written", () => {
    const chapters = [planned(1, "A"), planned(2, "A"), chapter(3, "B", [link("one", false)])];
    expect(unfolded(map(chapters)).has("chapter-3")).toBe(false);
  });
});

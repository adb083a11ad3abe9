// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiProblem } from "../api/problem";
import { QuestionCard } from "./QuestionCard";
import type { AnswerValue, Question } from "./queries";

vi.mock("@tanstack/react-router", () => import("../lessons/testing/routerStub"));
afterEach(cleanup);

const text = (words: string) => [{ type: "text" as const, text: words }];
const paragraph = (words: string) => [{ type: "paragraph" as const, children: text(words) }];

const NUMERIC: Question = {
  slug: "double",
  title: "Double it",
  minutes: 2,
  kind: "numeric",
  counted: true,
  number: 1,
  prompt: paragraph("Twice 21?"),
  unit: "m",
  options: [],
  settings: [],
  demands: [],
  outcome: null,
  variants_right: 0,
  variants_answered: 0,
};
const options = ["x", "y", "z"].map((id) => ({ id, children: text(`Option ${id}`) }));
const CHOICE: Question = { ...NUMERIC, kind: "choice", options };

function show(question: Question, parts: Partial<Parameters<typeof QuestionCard>[0]> = {}) {
  const given: AnswerValue[] = [];
  const onAnswer = vi.fn((value: AnswerValue) => {
    given.push(value);
    return Promise.resolve<string | null>(null);
  });
  const props = { onAnswer, onNext: () => Promise.resolve(), onTick: () => Promise.resolve(), ...parts };
  const view = render(<QuestionCard question={question} place={1} {...props} />);
  const again = (changed: Question) => view.rerender(<QuestionCard question={changed} place={1} {...props} />);
  return { given, again, container: view.container };
}

describe("a question", () => {
  it("takes a number by keyboard and shows why one cannot be read", async () => {
    const { given } = show(NUMERIC);
    await userEvent.type(screen.getByRole("textbox", { name: "Your answer" }), "42{Enter}");
    expect(given).toEqual(["42"]);
    cleanup();
    show(NUMERIC, { onAnswer: () => Promise.resolve("Write a number.") });
    await userEvent.type(screen.getByRole("textbox"), "two{Enter}");
    expect((await screen.findByRole("alert")).textContent).toBe("Write a number.");
  });

  it("asks for an answer before it sends one", async () => {
    const { given } = show(CHOICE);
    await userEvent.click(screen.getByRole("button", { name: "Answer" }));
    expect(screen.getByRole("alert").textContent).toBe("Choose one of the options first.");
    await userEvent.click(screen.getByRole("radio", { name: "Option y" }));
    await userEvent.click(screen.getByRole("button", { name: "Answer" }));
    expect(given).toEqual(["y"]);
  });

  it("sends items in the order they were brought into", async () => {
    const { given } = show({ ...CHOICE, kind: "ordering" });
    screen.getByRole("button", { name: /^Option z, 3 of 3/ }).focus();
    await userEvent.keyboard("{ArrowUp}");
    await userEvent.click(screen.getByRole("button", { name: "Answer with this order" }));
    expect(given).toEqual([["x", "z", "y"]]);
  });

  it("sends all settings by name", async () => {
    const settings = ["a", "b"].map((name) => ({ name, label: name, unit: "", start: "1" }));
    const { given } = show({ ...NUMERIC, kind: "configuration", settings, demands: [text("a is 2")] });
    const a = screen.getByRole("textbox", { name: "a" });
    await userEvent.clear(a);
    await userEvent.type(a, "2{Enter}");
    expect(given).toEqual([{ a: "2", b: "1" }]);
    expect(screen.getByRole("list", { name: "What must hold" }).textContent).toBe("a is 2");
  });

  it("moves on to the outcome, with the right option marked and every reason told", () => {
    const { again } = show(CHOICE);
    again({
      ...CHOICE,
      variants_answered: 1,
      outcome: {
        answer: "x",
        verdict: "wrong",
        words: "Not this one.",
        correct: "y",
        reasons: { x: text("Because x."), y: text("Because y."), z: text("Because z.") },
        explanation: paragraph("So it is."),
        rubric: [],
        ticked: null,
      },
    });
    const marked = screen.getByText("right").closest("li");
    expect(marked?.textContent).toContain("Option y");
    expect(screen.getByText("your answer").closest("li")?.textContent).toContain("Option x");
    for (const words of ["Because x.", "Because y.", "Because z.", "So it is."]) screen.getByText(words);
    expect(document.activeElement?.className).toBe("question-outcome");
    expect(screen.queryByRole("radio")).toBeNull();
  });

  it("offers another one after an outcome, and tells when that fails", async () => {
    const refuse = () => Promise.reject(new ApiProblem({ title: "No", status: 503, detail: "Full." }));
    const outcome = {
      answer: "43",
      verdict: "wrong" as const,
      words: "Too much.",
      correct: "42",
      reasons: {},
      explanation: [],
      rubric: [],
      ticked: null,
    };
    show({ ...NUMERIC, outcome }, { onNext: refuse });
    expect(screen.getByText("42").tagName).toBe("STRONG");
    await userEvent.click(screen.getByRole("button", { name: "Another one like it" }));
    expect((await screen.findByRole("alert")).textContent).toBe("This was not kept. Full.");
  });

  it("lets own words be ticked by oneself, and says that they do not count", async () => {
    const ticks: number[][] = [];
    const outcome = {
      answer: "It pulls.",
      verdict: "not counted" as const,
      words: "Kept.",
      correct: "",
      reasons: {},
      explanation: paragraph("The model."),
      rubric: ["one", "two"],
      ticked: [1],
    };
    const question: Question = { ...NUMERIC, kind: "free-text", counted: false, outcome };
    show(question, { onTick: (t) => (ticks.push(t), Promise.resolve()) });
    await userEvent.click(screen.getByRole("checkbox", { name: "one" }));
    await userEvent.click(screen.getByRole("checkbox", { name: "two" }));
    expect(ticks).toEqual([[1, 0], []]);
    expect(screen.getAllByText(/not counted/).length).toBeGreaterThan(0);
  });

  it.each([NUMERIC, CHOICE, { ...CHOICE, kind: "ordering" as const }, { ...NUMERIC, kind: "free-text" as const }])(
    "has no accessibility violations as $kind",
    async (question) => {
      const { container } = show(question);
      expect((await axe.run(container)).violations).toEqual([]);
    },
  );
});

// @vitest-environment jsdom
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem } from "../api/problem";
import { DerivationView, type DerivationCalls } from "./DerivationView";
import { keepLines, openingLines } from "./lineDraft";
import type { Derivation, LinesResult } from "./queries";

vi.mock("@tanstack/react-router", () => import("../lessons/testing/routerStub"));
afterEach(cleanup);
beforeEach(() => localStorage.clear());

const paragraph = (text: string) => [{ type: "paragraph" as const, children: [{ type: "text" as const, text }] }];
const DERIVATION: Derivation = {
  slug: "sum",
  title: "A sum",
  chapter: "meeting-ppo",
  minutes: 5,
  prompt: paragraph("Derive it."),
  world: paragraph("One world."),
  symbols: [{ name: "x", tex: "x", words: [{ type: "text", text: "a number" }] }],
  functions: ["exp"],
  pieces: ["a", "b", "c"].map((id) => ({ id, children: paragraph(`Block ${id}`) })),
  proof: [],
  proof_done: false,
  proof_attempts: 0,
  chains: [
    { number: 0, name: "The chain", start: "x + x", start_tex: "x + x", goal: "2x", relations: ["="], reached: false, lines: [] },
  ],
  hints: [],
  hints_total: 3,
  hint_waits: 2,
  done: false,
  explanation: [],
};
const RESULT: LinesResult = {
  lines: [
    { status: "right", words: "Holds on 200 random cases.", tex: "2x", relation: "=", example: null },
    {
      status: "wrong",
      words: "This is not equal to the line before.",
      tex: "3x",
      relation: "=",
      example: { size: "one number", quantities: [{ name: "x", value: "1" }], before: "2", line: "3" },
    },
  ],
  reached: false,
  words: "Line 2: This is not equal to the line before.",
  derivation: DERIVATION,
};

function show(parts: Partial<DerivationCalls> = {}, derivation = DERIVATION) {
  const asked: unknown[] = [];
  const calls: DerivationCalls = {
    arrange: (pieces) => {
      asked.push(pieces);
      return Promise.resolve({ right: false, credit: 50, words: "Not yet.", derivation });
    },
    write: (_chain, lines) => {
      asked.push(lines);
      return Promise.resolve(RESULT);
    },
    prove: () => Promise.resolve([]),
    hint: () => Promise.resolve(),
    ...parts,
  };
  const { container } = render(<DerivationView derivation={derivation} calls={calls} />);
  return { asked, container };
}

describe("proof blocks", () => {
  it("are chosen, ordered, taken out and sent, all by keyboard", async () => {
    const { asked } = show();
    for (const name of ["Block c", "Block a", "Block b"]) {
      screen.getByRole("button", { name: `Add to the proof: ${name}` }).focus();
      await userEvent.keyboard("{Enter}");
    }
    const proof = within(screen.getByRole("list", { name: "Your proof" }));
    proof.getByRole("button", { name: /^Block c, 1 of 3/ }).focus();
    await userEvent.keyboard("{ArrowDown}");
    await userEvent.click(proof.getByRole("button", { name: "Take out: Block b" }));
    await userEvent.click(screen.getByRole("button", { name: "Check the proof" }));
    expect(asked).toEqual([["a", "c"]]);
    await screen.findByText("Not yet. Credit: 50 %.");
    // A changed proof has no verdict yet.
    await userEvent.click(proof.getByRole("button", { name: "Take out: Block a" }));
    expect(screen.queryByText(/Credit/)).toBeNull();
  });

  it("begin with the newest attempt, and say when one is not kept", async () => {
    const arrange = () => Promise.reject(new ApiProblem({ title: "No", status: 503, detail: "Full." }));
    show({ arrange }, { ...DERIVATION, proof: ["b", "gone"] });
    screen.getByRole("button", { name: /^Block b, 1 of 1/ });
    await userEvent.click(screen.getByRole("button", { name: "Check the proof" }));
    await screen.findByText("This was not kept. Full.");
  });
});

describe("lines", () => {
  it("are written with Enter between them and judged one by one", async () => {
    const { asked } = show();
    await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "2*x{Enter}3*x");
    await userEvent.keyboard("{Control>}{Enter}{/Control}");
    expect(asked).toEqual([["2*x", "3*x"]]);
    await screen.findByText(RESULT.words);
    expect(screen.getByRole("textbox", { name: "Line 1" }).getAttribute("aria-invalid")).toBe("false");
    const wrong = screen.getByRole("textbox", { name: "Line 2" });
    expect(wrong.getAttribute("aria-invalid")).toBe("true");
    const told = document.getElementById(wrong.getAttribute("aria-describedby") ?? "");
    expect(told?.textContent).toContain("the line before is 2, this one 3");
    expect(told?.textContent).toContain("x1");
  });

  it("lose their verdict, and those below theirs, when they are changed", async () => {
    show();
    await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "2*x{Enter}3*x");
    await userEvent.click(screen.getByRole("button", { name: "Check the lines" }));
    await screen.findByText("Holds on 200 random cases.");
    await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "+0");
    expect(screen.queryByText("Holds on 200 random cases.")).toBeNull();
    expect(screen.queryByText(/For example with/)).toBeNull();
  });

  it("are removed when empty, and survive a reload", async () => {
    show();
    await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "2*x{Enter}");
    expect(screen.getAllByRole("textbox")).toHaveLength(2);
    await userEvent.keyboard("{Backspace}");
    expect(screen.getAllByRole("textbox")).toHaveLength(1);
    expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Line 1" }));
    cleanup();
    show();
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Line 1" }).value).toBe("2*x");
  });

  it("tell what was proved as a formula once the goal is reached", async () => {
    const lines = RESULT.lines.slice(0, 1);
    show({
      write: () => Promise.resolve({ ...RESULT, lines, reached: true, words: "The goal." }),
      prove: () => Promise.resolve([true]),
    });
    await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "2*x");
    await userEvent.click(screen.getByRole("button", { name: "Check the lines" }));
    await screen.findByText(/Proved as a formula as well/);
  });
});

it("spoilt drafts are left alone", () => {
  keepLines("a", 0, ["x"]);
  expect(openingLines("a", 0, ["y"])).toEqual(["x"]);
  localStorage.setItem("ppolab.lines:a/0", "{");
  expect(openingLines("a", 0, ["y"])).toEqual(["y"]);
  localStorage.setItem("ppolab.lines:a/0", "[1]");
  expect(openingLines("a", 0, [])).toEqual([""]);
});

it("a hint is offered only when it is time", async () => {
  const hint = vi.fn(() => Promise.resolve());
  show({ hint });
  screen.getByText("A hint opens after 2 more attempts.");
  cleanup();
  show({ hint }, { ...DERIVATION, hint_waits: 0, hints: [paragraph("Add.")] });
  await userEvent.click(screen.getByRole("button", { name: "Show the next hint (2 of 3)" }));
  expect(hint).toHaveBeenCalledOnce();
});

it("has no accessibility violations", async () => {
  const { container } = show({}, { ...DERIVATION, proof: ["a"], done: true, explanation: paragraph("So.") });
  await userEvent.type(screen.getByRole("textbox", { name: "Line 1" }), "2*x{Enter}3*x");
  await userEvent.click(screen.getByRole("button", { name: "Check the lines" }));
  await screen.findByText(RESULT.words);
  expect((await axe.run(container)).violations).toEqual([]);
});

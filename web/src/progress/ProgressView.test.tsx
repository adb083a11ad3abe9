// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiProblem } from "../api/problem";
import { ProgressView } from "./ProgressView";
import type { Summary } from "./queries";

afterEach(cleanup);

const ENTRY = {
  kind: "challenge",
  slug: "double",
  title: "Double a number",
  chapter: "Second",
  passed_at: "2026-01-02T03:04:05+00:00",
  attempts: 2,
  hints: 1,
  evidence: "00",
};
const SUMMARY: Summary = {
  done: 2,
  total: 9,
  attempts: 2,
  answers: 1,
  predictions: 0,
  hints: 1,
  passed: [ENTRY],
  public_key: "ab".repeat(32),
  fingerprint: "0123:4567:89ab:cdef",
};
const VERIFIED = {
  name: "Ada",
  course: "PPO Lab",
  issued_at: "2026-01-03T00:00:00+00:00",
  software: "0",
  public_key: "ab".repeat(32),
  fingerprint: "0123:4567:89ab:cdef",
  own: false,
  passed: [ENTRY],
};

function show(parts: Partial<Parameters<typeof ProgressView>[0]> = {}) {
  const props = {
    summary: SUMMARY,
    onImport: vi.fn(() => Promise.resolve({ added: 3, known: 1, kept_beside: 0, origin: "ffff" })),
    onIssue: vi.fn(() => Promise.resolve()),
    onVerify: vi.fn(() => Promise.resolve(VERIFIED)),
    ...parts,
  };
  return { ...props, ...render(<ProgressView {...props} />) };
}
const file = (text: string) => new File([text], "a.json", { type: "application/json" });
const refuse = () => Promise.reject(new ApiProblem({ title: "No", status: 422, detail: "It was changed." }));

describe("progress", () => {
  it("tells what was done, one hint as one", () => {
    const { container } = show();
    expect(container.textContent).toContain("2 of 9 done, 2 submissions, 1 answer, 0 predictions, 1 hint.");
  });

  it("takes a file in as it is and says what came of it", async () => {
    const { onImport } = show();
    await userEvent.upload(screen.getByLabelText("Take a file in"), file('{"x": 1.0}'));
    await screen.findByText(/3 added, 1 known already.*ffff, so it is in no certificate/);
    expect(onImport).toHaveBeenCalledWith('{"x": 1.0}');
  });

  it("says why a file is refused", async () => {
    show({ onImport: refuse, onVerify: refuse });
    await userEvent.upload(screen.getByLabelText("Take a file in"), file("{}"));
    expect((await screen.findByRole("alert")).textContent).toContain("It was changed.");
  });
});

describe("a certificate", () => {
  it("is issued in a name, by keyboard", async () => {
    const { onIssue } = show();
    await userEvent.type(screen.getByRole("textbox", { name: "Name on the certificate" }), "Ada{Enter}");
    expect(onIssue).toHaveBeenCalledWith("Ada");
  });

  it("is not offered while nothing is passed", () => {
    show({ summary: { ...SUMMARY, passed: [] } });
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Issue and save" }).disabled).toBe(true);
  });

  it("is verified with whom it was issued to and by which key", async () => {
    show();
    await userEvent.upload(screen.getByLabelText("Certificate to verify"), file("{}"));
    const words = (await screen.findByText(/Nothing in it was changed/)).textContent;
    expect(words).toContain("issued to Ada on 2026-01-03 by another installation, 0123:4567:89ab:cdef");
  });
});

it("has no accessibility violations", async () => {
  const { container } = show();
  expect((await axe.run(container)).violations).toEqual([]);
});

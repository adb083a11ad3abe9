import { describe, expect, it } from "vitest";
import { type Attempt, announcement, type CheckStatus, foldAttempt, headline, sharedError, shownChecks } from "./attempt";

const ANNOUNCED = [
  { name: "shape", title: "Gives one number", visible: false },
  { name: "value", title: "Has the right value", visible: false },
];

const HIDDEN = { visible: false, case: "" };

function attempt(statuses: CheckStatus[], change: Partial<Attempt> = {}): Attempt {
  return {
    id: 1,
    challenge: "clipped-objective",
    status: "running",
    verdict: null,
    summary: "",
    checks: ANNOUNCED.map((check, i) => ({ ...check, status: statuses[i] ?? "pending", message: "", ...HIDDEN })),
    output: "",
    backend: "bubblewrap (user)",
    seconds: null,
    created_at: "2026-01-01T00:00:00Z",
    source: "",
    ...change,
  };
}

describe("folding the stream of an attempt", () => {
  const states = [
    attempt([], { status: "queued" }),
    attempt(["pending", "pending"]),
    attempt(["pass", "pending"]),
    attempt(["pass", "fail"], { status: "done", verdict: "fail" }),
  ];

  it("goes forward with each message", () => {
    let shown: Attempt | null = null;
    for (const state of states) shown = foldAttempt(shown, state);
    expect(shown).toBe(states[3]);
  });

  it("ends the same whatever is repeated or comes late", () => {
    for (const order of [[0, 3, 1], [2, 1, 2, 3, 0], [3, 2], [1, 1, 3, 3]]) {
      const end = order.reduce<Attempt | null>((shown, i) => foldAttempt(shown, states[i]!), null);
      expect(end).toBe(states[3]);
    }
  });

  it("does not take back a check that was decided", () => {
    expect(foldAttempt(states[2]!, states[1]!)).toBe(states[2]);
  });

  it("starts anew with another attempt, even a finished one before", () => {
    const next = attempt([], { id: 2, status: "queued" });
    expect(foldAttempt(states[3]!, next)).toBe(next);
  });
});

describe("the checks that are listed", () => {
  it("are those announced, not run, before anything was submitted", () => {
    expect(shownChecks(ANNOUNCED, null).map((check) => check.status)).toEqual(["not_run", "not_run"]);
  });

  it("wait while it runs and count as not run when it ended without them", () => {
    const running = attempt([], { checks: [] });
    expect(shownChecks(ANNOUNCED, running).map((check) => check.status)).toEqual(["pending", "pending"]);
    const ended = { ...running, status: "done" as const, verdict: "timeout" as const };
    expect(shownChecks(ANNOUNCED, ended).map((check) => check.status)).toEqual(["not_run", "not_run"]);
  });

  it("keep a result that was not announced", () => {
    const extra = { name: "more", title: "More", status: "fail" as const, message: "why", ...HIDDEN };
    expect(shownChecks(ANNOUNCED, attempt([], { checks: [extra] })).at(-1)).toBe(extra);
  });
});

describe("what is said of an attempt", () => {
  it("has its own words for every way to end", () => {
    const verdicts = ["pass", "fail", "error", "timeout", "memory", "protocol"] as const;
    const words = verdicts.map((verdict) => headline(attempt([], { status: "done", verdict })));
    expect(new Set(words).size).toBe(verdicts.length);
    expect(words[3]).toContain("time");
    expect(words[4]).toContain("memory");
  });

  it("names each check that was decided, and only that", () => {
    expect(announcement(attempt(["pending"]), attempt(["pass"]))).toBe("Gives one number: passed.");
  });

  it("sums up at the end", () => {
    const end = attempt(["pass", "fail"], { status: "done", verdict: "fail", summary: "One check failed." });
    expect(announcement(attempt(["pass"]), end)).toBe("Not yet. 1 of 2 checks passed. One check failed.");
  });
});

describe("an error that many checks met", () => {
  const called = (message: string, shape: number) =>
    `${message} It was called with a float32 tensor of shape [${shape}], 0.2.`;
  const checks = (messages: string[], status: CheckStatus = "error") =>
    messages.map((message, i) => ({ name: `${i}`, title: `${i}`, status, message, ...HIDDEN }));
  const nameless = "Your function raised an error in line 2: NameError: name 'x' is not defined.";

  it("is shared where only the call differs", () => {
    expect(sharedError(checks([called(nameless, 6), called(nameless, 9)]))).toBe(nameless);
  });

  it("is not where the errors differ, where one check met it, or where checks merely failed", () => {
    const other = nameless.replace("'x'", "'y'");
    expect(sharedError(checks([called(nameless, 6), called(other, 6)]))).toBeNull();
    expect(sharedError(checks([called(nameless, 6)]))).toBeNull();
    expect(sharedError(checks([nameless, nameless], "fail"))).toBeNull();
  });
});

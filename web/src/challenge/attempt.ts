/**
 * What a submission's state means: pure functions between the attempts that the server streams and
 * what the page says. The stream sends the whole attempt after each change; a copy fetched over REST
 * after a lost connection may be older than what is already shown, so folding never goes backwards.
 */

import type { Wire } from "../api/client";

export type Attempt = Wire["Attempt"];
export type CheckResult = Wire["CheckResult"];
export type CheckStatus = CheckResult["status"];
export type Verdict = NonNullable<Attempt["verdict"]>;

const STATUS_ORDER: Record<Attempt["status"], number> = { queued: 0, running: 1, done: 2 };

function decided(attempt: Attempt): number {
  return attempt.checks.filter((check) => check.status !== "pending").length;
}

/** The attempt to show after `incoming` arrived; never one that knows less than `current`. */
export function foldAttempt(current: Attempt | null, incoming: Attempt): Attempt {
  if (!current || current.id !== incoming.id) return incoming;
  const ahead = STATUS_ORDER[incoming.status] - STATUS_ORDER[current.status];
  if (ahead !== 0) return ahead > 0 ? incoming : current;
  return decided(incoming) >= decided(current) ? incoming : current;
}

/** The checks to list: the attempt's own, else those announced, still waiting. */
export function shownChecks(
  announced: readonly Wire["CheckInfo"][],
  attempt: Attempt | null,
): CheckResult[] {
  const results = new Map(attempt?.checks.map((check) => [check.name, check]));
  const waiting: CheckStatus = attempt?.status === "done" ? "not_run" : "pending";
  const listed = announced.map(
    (check): CheckResult =>
      results.get(check.name) ?? {
        ...check,
        status: attempt ? waiting : "not_run",
        message: "",
        visible: false,
        case: "",
      },
  );
  const known = new Set(announced.map((check) => check.name));
  return [...listed, ...(attempt?.checks.filter((check) => !known.has(check.name)) ?? [])];
}

const STATUS_WORDS: Record<CheckStatus, string> = {
  pending: "waiting",
  pass: "passed",
  fail: "failed",
  error: "error",
  timeout: "out of time",
  memory: "out of memory",
  protocol: "unreadable",
  not_run: "not run",
};

export function statusWord(status: CheckStatus): string {
  return STATUS_WORDS[status];
}

const HEADLINES: Record<Verdict, string> = {
  pass: "Solved",
  fail: "Not yet",
  error: "Your code stopped with an error",
  timeout: "Your code ran out of time",
  memory: "Your code ran out of memory",
  protocol: "Your code gave back something that cannot be read",
};

/** The verdict as a heading, or what is going on until there is one. */
export function headline(attempt: Attempt): string {
  if (attempt.status === "queued") return "Waiting for a free place to run";
  if (attempt.status === "running") return "Running your code";
  return attempt.verdict ? HEADLINES[attempt.verdict] : "Ended without a verdict";
}

// How a check's message about an error ends; see `Marking.run` in the assessment.
const CALLED_WITH = / It was called with [^]*$/;

/** The error that two or more checks, and all that met an error, raised alike; else null. */
export function sharedError(checks: readonly CheckResult[]): string | null {
  const errors = checks.filter((check) => check.status === "error");
  const told = new Set(errors.map((check) => check.message.replace(CALLED_WITH, "")));
  const [first] = told;
  return errors.length > 1 && told.size === 1 && first ? first : null;
}

/** How many checks passed, e.g. "3 of 11 checks". */
export function passedWords(attempt: Attempt): string {
  const passed = attempt.checks.filter((check) => check.status === "pass").length;
  return `${passed} of ${attempt.checks.length} checks`;
}

/** What changed between two states of an attempt, in words for a screen reader. */
export function announcement(before: Attempt | null, after: Attempt): string {
  if (after.status === "done" && before?.status !== "done") {
    return `${headline(after)}. ${passedWords(after)} passed. ${after.summary}`;
  }
  if (!before || before.status !== after.status) return `${headline(after)}.`;
  const old = new Map(before.checks.map((check) => [check.name, check.status]));
  return after.checks
    .filter((check) => check.status !== "pending" && old.get(check.name) !== check.status)
    .map((check) => `${check.title}: ${statusWord(check.status)}.`)
    .join(" ");
}

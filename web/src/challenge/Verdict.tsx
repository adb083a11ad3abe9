import { Check, CircleDashed, MemoryStick, Minus, Timer, TriangleAlert, Unplug, X } from "lucide-react";
import { type Attempt, type CheckResult, type CheckStatus, headline, sharedError, statusWord } from "./attempt";

const ICONS: Record<CheckStatus, typeof Check> = {
  pending: CircleDashed,
  pass: Check,
  fail: X,
  error: TriangleAlert,
  timeout: Timer,
  memory: MemoryStick,
  protocol: Unplug,
  not_run: Minus,
};

interface ChecksProps {
  checks: readonly CheckResult[];
  /** nothing was submitted yet: only what will be checked is of interest */
  announced?: boolean;
}

/** The checks of a challenge, each with an icon, a word and, once it ran, its message. */
export function Checks({ checks, announced }: ChecksProps) {
  // The summary tells it once; beside every check it would bury what differs.
  const shared = sharedError(checks);
  return (
    <ol className="checks">
      {checks.map((check) => {
        const Icon = ICONS[check.status];
        return (
          <li key={check.name} data-status={check.status}>
            <Icon size={17} aria-hidden />
            <div>
              <p>
                <strong>{check.title}</strong>{" "}
                {/* The key makes a changed status a new element, which then shows that it changed. */}
                {!announced && (
                  <span key={check.status} className="check-word">
                    {statusWord(check.status)}
                  </span>
                )}
              </p>
              {check.case && <pre className="check-case">{check.case}</pre>}
              {check.message && !(shared && check.status === "error") && <p className="check-message">{check.message}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function SharedError({ attempt }: { attempt: Attempt }) {
  const shared = sharedError(attempt.checks);
  return shared && <p className="check-message verdict-error">{shared}</p>;
}

/** The verdict in words, what the code printed, and where and how long it ran. */
export function VerdictSummary({ attempt }: { attempt: Attempt }) {
  return (
    <div className="verdict">
      <h3>{headline(attempt)}</h3>
      {attempt.summary && <p className="verdict-summary">{attempt.summary}</p>}
      <SharedError attempt={attempt} />
      {attempt.output && (
        <details className="verdict-output" open={attempt.verdict !== "pass"}>
          <summary>What your code printed</summary>
          <pre tabIndex={0}>{attempt.output}</pre>
        </details>
      )}
      {attempt.status === "done" && (
        <p className="caption">
          {attempt.seconds !== null && <>Took {attempt.seconds.toFixed(2)} s. </>}
          {attempt.backend && <>Ran isolated by {attempt.backend}.</>}
        </p>
      )}
    </div>
  );
}

import { Check, CircleDashed, Minus, TriangleAlert, X } from "lucide-react";
import { type Attempt, type CheckResult, type CheckStatus, headline, statusWord } from "./attempt";

const ICONS: Record<CheckStatus, typeof Check> = {
  pending: CircleDashed,
  pass: Check,
  fail: X,
  error: TriangleAlert,
  not_run: Minus,
};

interface ChecksProps {
  checks: readonly CheckResult[];
  /** nothing was submitted yet: only what will be checked is of interest */
  announced?: boolean;
}

/** The checks of a challenge, each with an icon, a word and, once it ran, its message. */
export function Checks({ checks, announced }: ChecksProps) {
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
              {check.message && <p className="check-message">{check.message}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** The verdict in words, what the code printed, and where and how long it ran. */
export function VerdictSummary({ attempt }: { attempt: Attempt }) {
  return (
    <div className="verdict">
      <h3>{headline(attempt)}</h3>
      {attempt.summary && <p className="verdict-summary">{attempt.summary}</p>}
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

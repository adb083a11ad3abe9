import { useQuery } from "@tanstack/react-query";
import { asProblem } from "../api/problem";
import { CodeView } from "../lessons/CodeView";
import { type Attempt, headline, passedWords } from "./attempt";
import { attemptsQuery } from "./queries";
import { Checks, VerdictSummary } from "./Verdict";

interface AttemptsProps {
  slug: string;
  /** the attempt shown above, which is not listed again */
  except: number | null;
  onRestore: (source: string) => void;
}

/** Earlier attempts, newest first; an opened one shows its verdict and its code. */
export function Attempts({ slug, except, onRestore }: AttemptsProps) {
  const attempts = useQuery(attemptsQuery(slug));
  const listed = (attempts.data ?? [])
    .filter((attempt) => attempt.id !== except)
    .toSorted((a, b) => b.id - a.id);
  if (attempts.error) {
    return <p className="caption">Earlier attempts: {asProblem(attempts.error).detail}</p>;
  }
  if (listed.length === 0) return null;
  return (
    <section className="attempts" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Earlier attempts</h2>
      {listed.map((attempt) => (
        <details key={attempt.id} className="attempt">
          <summary>
            <span>{headline(attempt)}</span>
            {attempt.verdict === "fail" && <small>{passedWords(attempt)}</small>}
            <time dateTime={attempt.created_at}>{when(attempt.created_at)}</time>
          </summary>
          <VerdictSummary attempt={attempt} />
          <Checks checks={attempt.checks} />
          <CodeView language="python" text={attempt.source} />
          <button type="button" className="btn" onClick={() => onRestore(attempt.source)}>
            Put this code in the editor
          </button>
        </details>
      ))}
    </section>
  );
}

function when(created: Attempt["created_at"]): string {
  const date = new Date(created);
  if (Number.isNaN(date.getTime())) return created;
  return date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}

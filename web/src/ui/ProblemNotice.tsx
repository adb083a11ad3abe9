import { CircleAlert } from "lucide-react";

import { asProblem } from "../api/problem";

interface Props {
  error: unknown;
  /** Offers "Try again" when given. */
  onRetry?: () => void;
}

/** An error in words: what was wrong, with which value, and what would work. */
export function ProblemNotice({ error, onRetry }: Props) {
  const problem = asProblem(error);
  return (
    <div role="alert" className="card flex gap-3 p-4 text-[14px]">
      <CircleAlert size={18} aria-hidden className="mt-[2px] shrink-0" />
      <div className="min-w-0">
        <p className="font-semibold">{problem.title}</p>
        <p className="mt-1 break-words">{problem.detail}</p>
        {problem.field && (
          <p className="mt-1 text-muted">
            Field <code className="num">{problem.field}</code>
            {problem.value && (
              <>
                , value <code className="num break-all">{problem.value}</code>
              </>
            )}
          </p>
        )}
        {problem.mend && !problem.detail.includes(problem.mend) && (
          <p className="mt-1">{problem.mend}</p>
        )}
        {onRetry && (
          <button type="button" className="btn mt-3" onClick={onRetry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { Wire } from "../api/client";
import { runQuery } from "../api/queries";
import { Inlines } from "./Inlines";
import { useLesson } from "./LessonContext";

const ENDED: Wire["RunDetail"]["state"][] = ["finished", "stopped", "failed", "interrupted"];
const ASK_EVERY = 2000;

/**
 * Once the learner's own run has ended: what was predicted, beside what the run did. The result is
 * read from the run, never from the lesson's text.
 */
export function PredictionBesideResult({ predictionId }: { predictionId: string }) {
  const lesson = useLesson();
  const made = lesson?.predictions[predictionId];
  const option = lesson
    ?.questionOf(predictionId)
    ?.options.find((candidate) => candidate.id === made?.chosen);
  const runId = lesson?.liveRunId ?? null;
  const { data: run } = useQuery({
    ...runQuery(runId ?? ""),
    enabled: runId !== null,
    refetchInterval: (query) =>
      query.state.data && ENDED.includes(query.state.data.state) ? false : ASK_EVERY,
  });
  if (!made || !option || !run || run.state !== "finished") return null;
  return (
    <div className="beside" role="group" aria-label="Prediction and result">
      <div>
        <p className="beside-name">You predicted</p>
        <p>
          <Inlines of={option.children} />
        </p>
      </div>
      <div>
        <p className="beside-name">Your run did</p>
        <RunResult run={run} />
      </div>
    </div>
  );
}

/** The metrics that have a target, against it; else the run's first metric. */
function RunResult({ run }: { run: Wire["RunDetail"] }) {
  const aimed = run.metrics.filter((metric) => metric.reference != null);
  const shown = aimed.length > 0 ? aimed : run.metrics.slice(0, 1);
  return (
    <>
      {shown.map((metric) => {
        const value = run.latest[metric.key];
        return (
          <p key={metric.key}>
            {metric.label}:{" "}
            <strong className="num">
              {value == null ? "not a number" : value.toLocaleString("en", { maximumFractionDigits: 1 })}
            </strong>
            {metric.reference != null && <> (line at {metric.reference.toLocaleString("en")})</>}
          </p>
        );
      })}
      <p className="caption">
        after {run.step.toLocaleString("en")} steps, seed {run.seed}
      </p>
    </>
  );
}

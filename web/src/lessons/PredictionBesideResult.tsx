import type { Wire } from "../api/client";
import { useFeed, useRun } from "../runs/hooks";
import { Inlines } from "./Inlines";
import { useLesson } from "./LessonContext";

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
  const snapshot = useFeed(useRun(lesson?.liveRunId));
  const { run } = snapshot;
  if (!made || !option || !run || snapshot.state !== "finished") return null;
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
        <RunResult run={run} latest={snapshot.latest} step={snapshot.step} />
      </div>
    </div>
  );
}

interface RunResultProps {
  run: Wire["RunDetail"];
  latest: Record<string, number | null>;
  step: number;
}

/** The metrics that have a target, against it; else the run's first metric. */
function RunResult({ run, latest, step }: RunResultProps) {
  const aimed = run.metrics.filter((metric) => metric.reference != null);
  const shown = aimed.length > 0 ? aimed : run.metrics.slice(0, 1);
  return (
    <>
      {shown.map((metric) => {
        const value = latest[metric.key];
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
        after {step.toLocaleString("en")} steps, seed {run.seed}
      </p>
    </>
  );
}

import { Pause, Play, RotateCcw, Square, StepForward } from "lucide-react";

import { useActions } from "../actions/useActions";
import { ProblemNotice } from "../ui/ProblemNotice";
import type { RunFeed } from "./feed";
import { type Controls, useFeed } from "./hooks";
import { isLive } from "./words";

interface Props {
  feed: RunFeed | null;
  controls: Controls;
}

/** Pause, step, resume and stop a run, or go on from its checkpoint: what fits its state. */
export function RunControls({ feed, controls }: Props) {
  const { run, state } = useFeed(feed);
  const { send, resumeFromCheckpoint, busy, error } = controls;
  const running = state === "running";
  const paused = state === "paused";
  const live = state !== null && isLive(state);
  const resumable = run !== null && !live && !run.recorded && run.can_resume;

  useActions([
    {
      id: "run.pause",
      title: paused ? "Resume the run" : "Pause the run",
      group: "Run",
      keys: "p",
      when: () => running || paused,
      perform: () => void send(paused ? "resume" : "pause"),
    },
    {
      id: "run.step",
      title: "Do one iteration",
      group: "Run",
      keys: "n",
      when: () => paused,
      perform: () => void send("step"),
    },
    {
      id: "run.stop",
      title: "Stop the run",
      group: "Run",
      when: () => live,
      perform: () => void send("stop"),
    },
  ]);

  if (!run || (!live && !resumable)) return error ? <ProblemNotice error={error} /> : null;
  return (
    <>
      <div className="run-controls" role="group" aria-label="Controls of the run">
        {live && (
          <>
            {paused ? (
              <button type="button" className="btn" disabled={busy} onClick={() => void send("resume")}>
                <Play size={15} aria-hidden /> Resume
              </button>
            ) : (
              <button
                type="button"
                className="btn"
                disabled={busy || !running}
                onClick={() => void send("pause")}
              >
                <Pause size={15} aria-hidden /> Pause
              </button>
            )}
            <button
              type="button"
              className="btn"
              disabled={busy || !paused}
              title={paused ? "One rollout and one update" : "Pause first, then go step by step"}
              onClick={() => void send("step")}
            >
              <StepForward size={15} aria-hidden /> Step
            </button>
            <button type="button" className="btn" disabled={busy} onClick={() => void send("stop")}>
              <Square size={14} aria-hidden /> Stop
            </button>
          </>
        )}
        {resumable && (
          <button
            type="button"
            className="btn"
            disabled={busy}
            onClick={() => void resumeFromCheckpoint()}
          >
            <RotateCcw size={15} aria-hidden /> Resume{" "}
            {run.resumable_step !== null && (
              <span className="text-muted">
                from step <span className="num">{run.resumable_step.toLocaleString("en-US")}</span>
              </span>
            )}
          </button>
        )}
      </div>
      {error && <ProblemNotice error={error} />}
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Lock } from "lucide-react";
import type { Ref } from "react";
import { runsQuery } from "../api/queries";
import { ClipExplorer } from "../figures/clip-explorer/ClipExplorer";
import { newestRun } from "../figures/clip-explorer/newestRun";
import type { ClipState } from "../figures/clip-explorer/state";
import { useRunRatios } from "../figures/clip-explorer/useRunRatios";
import { LiveRun } from "../runs/LiveRun";
import { useGone } from "../runs/ownRun";
import type { Lesson } from "./ast";
import { interactiveTitle, isInstrument } from "./instruments";
import { isLocked, type StageView } from "./stage";

interface StageProps {
  ref: Ref<HTMLElement>;
  views: StageView[];
  shown: string;
  onShow: (key: string) => void;
  predictions: Lesson["predictions"];
  clip: ClipState;
  onClip: (change: Partial<ClipState>) => void;
  /** the run whose ratios an instrument shows: the learner's own, else the recorded one */
  runId: string | null;
  /** the metrics of a run that the prose speaks of now */
  focus: readonly string[];
  /** the lesson's place in the course */
  place: string;
  compact: boolean;
}

/**
 * The stage beside the prose. All its views stay in place, hidden when not shown, so that a live run
 * goes on while an instrument is looked at.
 */
export function Stage({ ref, ...body }: StageProps) {
  const { views, shown, onShow, compact } = body;
  return (
    <section
      ref={ref}
      className="stage card"
      aria-label="Stage"
      data-compact={compact ? "" : undefined}
    >
      {views.length > 1 && (
        <div className="segmented stage-tabs" role="group" aria-label="What the stage shows">
          {views.map((view) => (
            <button
              key={view.key}
              type="button"
              aria-pressed={view.key === shown}
              onClick={() => onShow(view.key)}
            >
              {viewTitle(view)}
            </button>
          ))}
        </div>
      )}
      {views.map((view) => (
        <div key={view.key} hidden={view.key !== shown} className="stage-view">
          {views.length === 1 && view.kind === "interactive" && (
            <h2 className="stage-title">{viewTitle(view)}</h2>
          )}
          <ViewBody view={view} {...body} />
        </div>
      ))}
    </section>
  );
}

function viewTitle(view: StageView): string {
  return view.kind === "run" ? "Live run" : interactiveTitle(view.name);
}

type BodyProps = Omit<StageProps, "ref">;

function ViewBody({ view, ...props }: BodyProps & { view: StageView }) {
  if (view.kind === "run") {
    if (isLocked(view, props.predictions)) return <LockedRun predictionId={view.after ?? ""} />;
    return (
      <LiveRun
        preset={view.preset}
        place={props.place}
        focus={props.focus}
        recordedId={view.recorded}
        locked={false}
      />
    );
  }
  if (isInstrument(view.name)) {
    return <StageClipExplorer {...props} locked={isLocked(view, props.predictions)} />;
  }
  return (
    <p className="caption">
      The lesson asks for the instrument “{view.name}”, which this page does not have.
    </p>
  );
}

const RATIOS_LOCKED =
  "The ratios of a real update appear here once you have made the prediction in the text.";

function StageClipExplorer({
  clip,
  onClip,
  runId,
  compact,
  locked,
}: BodyProps & { locked: boolean }) {
  // A lesson without a run of its own shows the newest there is.
  const runs = useQuery(runsQuery);
  const asked = clip.run ?? runId;
  const gone = useGone(asked);
  const shown = (gone ? null : asked) ?? newestRun(runs.data ?? [])?.id ?? null;
  const { ratios, words } = useRunRatios(shown, clip.step);
  return (
    <ClipExplorer
      state={clip}
      onChange={onClip}
      ratios={locked ? null : ratios}
      noRatios={locked ? RATIOS_LOCKED : words}
      compact={compact}
    />
  );
}

function LockedRun({ predictionId }: { predictionId: string }) {
  return (
    <div className="stage-locked">
      <Lock size={22} aria-hidden />
      <h2>Make your prediction first</h2>
      <p>The run waits here. What you expect before you look is what you will learn from.</p>
      <a className="btn btn-primary" href={`#predict-${predictionId}`}>
        Go to the question
      </a>
    </div>
  );
}

import { MonitorPlay, SlidersHorizontal } from "lucide-react";
import type { DirectiveBlock } from "./ast";
import { Blocks } from "./Blocks";
import { interactiveTitle } from "./instruments";
import { useLesson } from "./LessonContext";
import { PredictionBesideResult } from "./PredictionBesideResult";

/**
 * A place in the text that sets the stage. The prose of a step carries a 3 px rule while it is the
 * current one; a run or an instrument leaves a line in the text that leads to the stage.
 */
export function StageStop({ block }: { block: DirectiveBlock }) {
  const lesson = useLesson();
  const stop = lesson?.stopOf(block);
  const isCurrent = stop !== undefined && lesson?.currentStop === stop.id;
  return (
    <div
      id={stop?.id}
      className={`stop stop-${block.name}`}
      data-current={isCurrent ? "" : undefined}
      tabIndex={-1}
    >
      {block.name === "step" ? <Blocks of={block.children} /> : <Marker block={block} />}
    </div>
  );
}

function Marker({ block }: { block: DirectiveBlock }) {
  const lesson = useLesson();
  const stop = lesson?.stopOf(block);
  const isRun = block.name === "run";
  const after = isRun ? block.attributes.after : undefined;
  const locked = after !== undefined && !(after in (lesson?.predictions ?? {}));
  const title = isRun ? "Live run" : interactiveTitle(block.attributes.name ?? "");
  const Icon = isRun ? MonitorPlay : SlidersHorizontal;
  return (
    <>
      <p className="stop-marker">
        <Icon size={17} aria-hidden />
        <span>
          <strong>{title}</strong>
          {locked ? ", after your prediction" : " on the stage"}
        </span>
        {stop && lesson && !locked && (
          <button type="button" className="btn" onClick={() => lesson.showOnStage(stop)}>
            Show it
          </button>
        )}
      </p>
      {after !== undefined && !locked && <PredictionBesideResult predictionId={after} />}
    </>
  );
}

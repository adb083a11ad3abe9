import { useEffect, useMemo, useRef, useState } from "react";
import { useActions } from "../actions/useActions";
import { DEFAULT_STATE, fromSearch, readSearch } from "../figures/clip-explorer/state";
import { useOwnRun } from "../runs/ownRun";
import { useMediaQuery } from "../ui/useMediaQuery";
import type { ChapterLink, DirectiveBlock, Lesson } from "./ast";
import { Blocks } from "./Blocks";
import "./lesson.css";
import { LessonContext, type LessonContextValue } from "./LessonContext";
import { LessonEnd } from "./LessonEnd";
import { ChapterContents, RoleLegend } from "./Rail";
import { Stage } from "./Stage";
import { planStage, predictBlock, type Stop, viewAt } from "./stage";
import { readingLine, useCurrentStop } from "./useCurrentStop";

interface LessonViewProps {
  lesson: Lesson;
  /** the chapter with the learner's progress; not there until the course map has come */
  chapter: ChapterLink | undefined;
  onPredict: (id: string, option: string) => Promise<void>;
  onDone: (done: boolean) => Promise<void>;
}

/** A lesson: rail, prose, and the stage that the prose sets and the reader may override. */
export function LessonView({ lesson, chapter, onPredict, onDone }: LessonViewProps) {
  const plan = useMemo(() => planStage({ blocks: lesson.blocks }), [lesson.blocks]);
  const stage = useRef<HTMLElement>(null);
  const compact = useMediaQuery("(max-width: 1080px)");
  const ids = useMemo(() => plan.stops.map((stop) => stop.id), [plan]);
  const [shown, setShown] = useState(() => viewAt(plan, -1)?.key ?? "");
  const [clip, setClip] = useState(DEFAULT_STATE);
  const address = `${lesson.chapter}/${lesson.slug}`;
  const runView = plan.views.find((view) => view.kind === "run");
  const [liveRunId] = useOwnRun(address, runView?.preset ?? null);
  const recordedId = runView?.recorded ?? null;

  const apply = (index: number) => {
    const view = viewAt(plan, index);
    if (view) setShown(view.key);
    const stop = plan.stops[index];
    if (stop && view?.kind === "interactive") {
      setClip((now) => ({ ...fromSearch(readSearch(stop.state)), run: now.run }));
    }
  };
  // Only arriving at a stop sets the stage; what the reader does there afterwards stands.
  const current = useCurrentStop(ids, stage, apply);

  const focus = plan.stops[current]?.focus ?? NO_FOCUS;
  useEffect(() => {
    if (focus.length > 0) revealWithin(stage.current, "[data-focus]");
  }, [focus]);

  const goTo = (index: number) => {
    const stop = plan.stops[index];
    if (stop) bringToReadingLine(stop, stage.current);
  };
  useActions([
    {
      id: "lesson.next-step",
      title: "Next step of the lesson",
      group: "Lesson",
      keys: "]",
      when: () => current < plan.stops.length - 1,
      perform: () => goTo(current + 1),
    },
    {
      id: "lesson.previous-step",
      title: "Previous step of the lesson",
      group: "Lesson",
      keys: "[",
      when: () => current > 0,
      perform: () => goTo(current - 1),
    },
  ]);

  const stopOf = useMemo(() => {
    const byBlock = new Map<DirectiveBlock, Stop>(plan.stops.map((stop) => [stop.block, stop]));
    return (block: DirectiveBlock) => byBlock.get(block);
  }, [plan]);
  const context: LessonContextValue = {
    predictions: lesson.predictions,
    predict: onPredict,
    questionOf: (id) => predictBlock(lesson.blocks, id),
    stopOf,
    currentStop: plan.stops[current]?.id ?? null,
    showOnStage: (stop) => {
      apply(plan.stops.indexOf(stop));
      stage.current?.scrollIntoView({ block: "nearest" });
    },
    challengeOf: (slug) =>
      chapter?.lessons.find((link) => link.kind === "challenge" && link.slug === slug),
    liveRunId,
  };

  return (
    <LessonContext value={context}>
      <div className="lesson" data-staged={plan.views.length > 0 ? "" : undefined}>
        <div className="rail">
          {chapter && <ChapterContents chapter={chapter} here={lesson.slug} />}
          <RoleLegend />
        </div>
        {plan.views.length > 0 && (
          <Stage
            ref={stage}
            views={plan.views}
            shown={shown}
            onShow={setShown}
            predictions={lesson.predictions}
            clip={clip}
            onClip={(change) => setClip((now) => ({ ...now, ...change }))}
            runId={liveRunId ?? recordedId}
            place={address}
            focus={focus}
            compact={compact}
          />
        )}
        <article className="prose">
          <p className="eyebrow">
            Lesson {lesson.number} · {lesson.minutes} minutes
          </p>
          <h1>{lesson.title}</h1>
          <p className="lead">{lesson.summary}</p>
          <Blocks of={lesson.blocks} />
          <LessonEnd lesson={lesson} onDone={onDone} />
        </article>
      </div>
    </LessonContext>
  );
}

const NO_FOCUS: string[] = [];
const AIR = 8; // px between what is revealed and the edge

/** Scroll a box, and nothing around it, until what it holds by that selector is in sight. */
function revealWithin(box: HTMLElement | null, selector: string) {
  const found = [...(box?.querySelectorAll(selector) ?? [])].map((e) => e.getBoundingClientRect());
  if (!box || found.length === 0) return;
  const frame = box.getBoundingClientRect();
  const above = Math.min(...found.map((rect) => rect.top)) - AIR - frame.top;
  const below = Math.max(...found.map((rect) => rect.bottom)) + AIR - frame.bottom;
  // What is taller than the box is shown from its beginning.
  if (above < 0) box.scrollTop += above;
  else if (below > 0) box.scrollTop += Math.min(below, above);
}

// A little further than the line itself, so that rounding does not leave the step just short of it.
const PAST_THE_LINE = 8; // px

function bringToReadingLine(stop: Stop, stage: HTMLElement | null) {
  const element = document.getElementById(stop.id);
  if (!element) return;
  const calm = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
  const top = element.getBoundingClientRect().top - readingLine(stage) + PAST_THE_LINE;
  window.scrollBy({ top, behavior: calm ? "auto" : "smooth" });
  element.focus({ preventScroll: true });
}

import { ChevronLeft, ChevronRight, Pause, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { useActions } from "../actions/useActions";
import { Keys } from "../ui/Kbd";
import { useMediaQuery } from "../ui/useMediaQuery";
import { lastAtOrBefore, type Mark, nearest, neighbour, nextMark } from "./replay";
import { wholeNumber } from "./words";

/** Updates of the run shown a second while it replays. */
const SPEEDS = [5, 20, 60, 200] as const;

interface Props {
  /** Steps at which something was measured. */
  steps: Float64Array;
  marks: Mark[];
  /** The latest step of the run. */
  last: number;
  /** The step looked at; null follows the newest. */
  at: number | null;
  onMove: (step: number | null) => void;
}

/**
 * A run's track in time: drag it, play it, or use `,` and `.` for single updates and Shift with
 * them for events. Marks show checkpoints, changed settings and alerts, told apart by shape.
 */
export function Scrubber({ steps, marks, last, at, onMove }: Props) {
  const calm = useMediaQuery("(prefers-reduced-motion: reduce)");
  const [speed, setSpeed] = useState<number>(20);
  const { playing, setPlaying } = usePlayback(steps, at, speed, onMove);
  const here = at ?? last;

  const move = (step: number | null) => {
    setPlaying(false);
    onMove(step);
  };
  const stepBy = (direction: 1 | -1) => move(neighbour(steps, at, direction));
  const jump = (direction: 1 | -1) => {
    const target = nextMark(marks, here, direction);
    if (target !== null) move(target);
  };
  useActions([
    {
      id: "replay.back",
      title: "One update back",
      group: "Run",
      keys: ",",
      perform: () => stepBy(-1),
    },
    {
      id: "replay.forward",
      title: "One update forward",
      group: "Run",
      keys: ".",
      perform: () => stepBy(1),
    },
    {
      id: "replay.event-back",
      title: "To the event before",
      group: "Run",
      keys: "shift+,",
      perform: () => jump(-1),
    },
    {
      id: "replay.event-forward",
      title: "To the next event",
      group: "Run",
      keys: "shift+.",
      perform: () => jump(1),
    },
  ]);

  return (
    <div className="scrubber card">
      {!calm && (
        <button
          type="button"
          className="btn btn-icon"
          aria-label={playing ? "Pause the replay" : "Play the replay"}
          disabled={steps.length < 2}
          onClick={() => setPlaying(!playing)}
        >
          {playing ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
        </button>
      )}
      <button type="button" className="btn btn-icon" aria-label="One update back" onClick={() => stepBy(-1)}>
        <ChevronLeft size={16} aria-hidden />
      </button>
      <button type="button" className="btn btn-icon" aria-label="One update forward" onClick={() => stepBy(1)}>
        <ChevronRight size={16} aria-hidden />
      </button>
      <Track steps={steps} marks={marks} last={last} at={at} onMove={move} />
      {!calm && (
        <label className="scrub-speed">
          <span className="sr-only">Replay speed, updates a second</span>
          <select
            className="field num"
            value={speed}
            onChange={(event) => setSpeed(Number(event.target.value))}
          >
            {SPEEDS.map((choice) => (
              <option key={choice} value={choice}>
                {choice} updates/s
              </option>
            ))}
          </select>
        </label>
      )}
      <span className="scrub-keys label" aria-hidden="true">
        <Keys keys="," /> <Keys keys="." /> update · with <Keys keys="shift" /> event
      </span>
    </div>
  );
}

interface TrackProps {
  steps: Float64Array;
  marks: Mark[];
  last: number;
  at: number | null;
  onMove: (step: number | null) => void;
}

function Track({ steps, marks, last, at, onMove }: TrackProps) {
  const here = at ?? last;
  const share = (step: number) => (last > 0 ? `${(Math.min(step, last) / last) * 100}%` : "0%");
  const seek = (event: React.PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    onMove(part >= 0.998 ? null : nearest(steps, part * last));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const target = keyTarget(event.key, steps, at);
    if (target === undefined) return;
    event.preventDefault();
    onMove(target);
  };
  const marked = marks.filter((mark) => mark.kind !== "state");
  return (
    <div
      className="track"
      role="slider"
      tabIndex={0}
      aria-label="Step looked at"
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={here}
      aria-valuetext={at === null ? `newest, step ${wholeNumber(here)}` : `step ${wholeNumber(here)} of ${wholeNumber(last)}`}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons & 1) seek(event);
      }}
    >
      <i className="track-fill" style={{ width: share(here) }} />
      {marked.map((mark) => (
        <i
          key={`${mark.kind}-${mark.step}-${mark.words}`}
          className={`track-mark track-${mark.kind}`}
          style={{ left: share(mark.step) }}
          title={`${mark.words}, step ${wholeNumber(mark.step)}`}
        />
      ))}
      <i className="track-thumb" style={{ left: share(here) }} />
      <span className="track-end num">0</span>
      <span className="track-end track-last num">{wholeNumber(last)}</span>
    </div>
  );
}

/** Where a key on the track leads; undefined for a key that means nothing there. */
function keyTarget(key: string, steps: Float64Array, at: number | null): number | null | undefined {
  if (key === "ArrowLeft" || key === "ArrowDown") return neighbour(steps, at, -1);
  if (key === "ArrowRight" || key === "ArrowUp") return neighbour(steps, at, 1);
  if (key === "Home") return steps[0] ?? null;
  if (key === "End") return null;
  if (key !== "PageUp" && key !== "PageDown") return undefined;
  const from = at === null ? steps.length - 1 : lastAtOrBefore(steps, at);
  const stride = Math.max(1, Math.round(steps.length / 10)) * (key === "PageUp" ? 1 : -1);
  return steps[Math.min(steps.length - 1, Math.max(0, from + stride))] ?? null;
}

/** Move through the measured steps at a speed, until the newest; then stand there. */
function usePlayback(
  steps: Float64Array,
  at: number | null,
  speed: number,
  onMove: (step: number | null) => void,
) {
  const [playing, setPlaying] = useState(false);
  const newest = useRef({ steps, at, onMove });
  useEffect(() => {
    newest.current = { steps, at, onMove };
  });
  useEffect(() => {
    if (!playing) return;
    let frame = 0;
    let before = performance.now();
    let owed = 0; // updates due that were not shown yet
    const { steps: all, at: start } = newest.current;
    let index = start === null ? 0 : Math.max(0, lastAtOrBefore(all, start));
    if (index >= all.length - 1) index = 0;
    const tick = (now: number) => {
      owed += ((now - before) / 1000) * speed;
      before = now;
      if (owed >= 1) {
        index += Math.floor(owed);
        owed %= 1;
        const { steps: current, onMove: move } = newest.current;
        if (index >= current.length - 1) {
          move(null);
          setPlaying(false);
          return;
        }
        move(current[index]!);
      }
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing, speed]);
  return { playing, setPlaying };
}

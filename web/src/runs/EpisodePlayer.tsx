import { ChevronLeft, ChevronRight, Pause, Play } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { useActions } from "../actions/useActions";
import { MetricCard } from "../charts/MetricCard";
import { RoleName } from "../ui/RoleMark";
import { useMediaQuery } from "../ui/useMediaQuery";
import { Column } from "./column";
import {
  actionWords,
  type Episode,
  outcome,
  placeAt,
  playedBy,
  returnsSoFar,
  sheetAddress,
  shortNumber,
} from "./episodes";
import { wholeNumber } from "./words";

/** Steps shown a second. */
const SPEEDS = [5, 15, 30, 60, 120] as const;
const MOST_BARS = 18; // Atari's buttons; more would be a wall

/** One recorded episode: its picture, what the policy chose and expected, and a track in time. */
export function EpisodePlayer({ run, episode }: { run: string; episode: Episode }) {
  const [t, setT] = useState(0);
  const [speed, setSpeed] = useState<number>(30);
  const [reading, setReading] = useState<number | null>(null);
  const calm = useMediaQuery("(prefers-reduced-motion: reduce)");
  const { playing, setPlaying } = usePlayback(t, episode.length, speed, setT);
  const columns = useColumns(episode);

  const go = (step: number) => {
    setPlaying(false);
    setT(Math.min(episode.length, Math.max(0, step)));
  };
  useActions([
    {
      id: "episode.play",
      title: playing ? "Pause the recorded episode" : "Play the recorded episode",
      group: "Run",
      keys: "e",
      when: () => !calm,
      perform: () => setPlaying(!playing),
    },
  ]);

  return (
    <>
      <p className="caption">
        {playedBy(episode)}: {outcome(episode)}.
        {episode.agents.length > 0 && ` Rewards are those of ${episode.agents.join(", ")} together.`}
      </p>
      <div className="episode">
        <Picture run={run} episode={episode} t={t} />
        <div className="episode-side">
          <Moment episode={episode} t={t} soFar={columns.returns.values[t]!} />
          <div className="episode-charts">
            <Line
              label="Reward so far"
              role="reward"
              caption="Rewards added up, as the environment gives them."
              column={columns.returns}
              value={columns.returns.valueAt(t)}
              {...{ t, episode, reading, onRead: setReading }}
            />
            {columns.values && (
              <Line
                label="Value"
                role="critic"
                caption="What the critic expected, in the units it learned."
                column={columns.values}
                value={t < episode.length ? columns.values.valueAt(t) : undefined}
                {...{ t, episode, reading, onRead: setReading }}
              />
            )}
          </div>
        </div>
        <div className="episode-track">
        {!calm && (
          <button
            type="button"
            className="btn btn-icon"
            aria-label={playing ? "Pause the episode" : "Play the episode"}
            onClick={() => setPlaying(!playing)}
          >
            {playing ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
          </button>
        )}
        <button type="button" className="btn btn-icon" aria-label="One step back" onClick={() => go(t - 1)}>
          <ChevronLeft size={16} aria-hidden />
        </button>
        <button type="button" className="btn btn-icon" aria-label="One step on" onClick={() => go(t + 1)}>
          <ChevronRight size={16} aria-hidden />
        </button>
        <input
          type="range"
          aria-label="Step of the episode"
          min={0}
          max={episode.length}
          value={t}
          aria-valuetext={t === episode.length ? `the end, after ${wholeNumber(t)} steps` : `step ${wholeNumber(t)} of ${wholeNumber(episode.length)}`}
          onChange={(event) => go(Number(event.target.value))}
        />
        <span className="num episode-clock">
          {wholeNumber(t)} / {wholeNumber(episode.length)}
        </span>
        {!calm && (
          <label>
            <span className="sr-only">Speed, steps a second</span>
            <select
              className="field num"
              value={speed}
              onChange={(event) => setSpeed(Number(event.target.value))}
            >
              {SPEEDS.map((choice) => (
                <option key={choice} value={choice}>
                  {choice} steps/s
                </option>
              ))}
            </select>
          </label>
        )}
        </div>
      </div>
    </>
  );
}

/** The picture of now, cut out of its sheet; the sheet after it is fetched ahead. */
function Picture({ run, episode, t }: { run: string; episode: Episode; t: number }) {
  const { frames } = episode;
  const [broken, setBroken] = useState(false);
  if (!frames || broken) {
    const why = frames ? "its pictures could not be read" : episode.frames_absent;
    return <p className="episode-no-picture">Recorded without pictures: {why}.</p>;
  }
  const place = placeAt(frames, t);
  const sheets = [place.sheet, place.sheet + 1].filter((sheet) => sheet < frames.sheets);
  const thinned = place.step === t ? "" : `, picture of step ${wholeNumber(place.step)}`;
  const moment = t === episode.length ? "the end" : `step ${wholeNumber(t)}`;
  return (
    <div
      className="episode-picture"
      role="img"
      aria-label={`The environment at ${moment}${thinned}`}
      data-small={frames.width <= 200 ? "" : undefined}
      style={{ aspectRatio: `${frames.width} / ${frames.height}` }}
    >
      {sheets.map((sheet) => (
        <img
          key={sheet}
          src={sheetAddress(run, episode.name, sheet)}
          alt=""
          draggable={false}
          hidden={sheet !== place.sheet}
          onError={() => setBroken(true)}
          style={{
            width: `${place.columns * 100}%`,
            height: `${place.rows * 100}%`,
            left: `${-place.column * 100}%`,
            top: `${-place.row * 100}%`,
          }}
        />
      ))}
    </div>
  );
}

/** The numbers of now: what was chosen, what it brought, what the critic expected. */
function Moment({ episode, t, soFar }: { episode: Episode; t: number; soFar: number }) {
  const over = t >= episode.length;
  const chances = episode.action_probabilities?.[t];
  const action: unknown = episode.actions[t];
  return (
    <dl className="episode-moment">
      <div>
        <dt>
          <RoleName role="actor">Action</RoleName>
        </dt>
        <dd>
          {over ? (
            <span className="caption">none, {episode.truncated ? "the time is up" : "the episode is over"}</span>
          ) : chances && chances.length <= MOST_BARS ? (
            <Chances chances={chances} action={action} />
          ) : (
            <span className="num">{actionWords(action)}</span>
          )}
        </dd>
      </div>
      <div>
        <dt>
          <RoleName role="reward">Reward</RoleName>
        </dt>
        <dd className="num">
          {over ? "" : `${shortNumber(episode.rewards[t])}, `}
          {shortNumber(soFar)} so far
        </dd>
      </div>
      {episode.values && (
        <div>
          <dt>
            <RoleName role="critic">Value</RoleName>
          </dt>
          <dd className="num">{over ? "none at the end" : shortNumber(episode.values[t])}</dd>
        </div>
      )}
    </dl>
  );
}

/** How likely each action was, the one taken marked; for switches how likely each was on. */
function Chances({ chances, action }: { chances: readonly (number | null)[]; action: unknown }) {
  const switches = Array.isArray(action);
  const taken = (i: number) => (switches ? action[i] === 1 : action === i);
  return (
    <ol className="episode-chances">
      {chances.map((chance, i) => (
        <li key={i} data-taken={taken(i) ? "" : undefined}>
          <span>
            {switches ? "switch" : "action"} <span className="num">{i}</span>
          </span>
          <i aria-hidden="true">
            <i style={{ width: `${(chance ?? 0) * 100}%` }} />
          </i>
          <span className="num">{chance === null ? "?" : `${(chance * 100).toFixed(1)} %`}</span>
          <span className="episode-taken">{taken(i) ? (switches ? "on" : "taken") : ""}</span>
        </li>
      ))}
    </ol>
  );
}

interface LineProps {
  label: string;
  role: "reward" | "critic";
  caption: string;
  column: Column;
  t: number;
  episode: Episode;
  value: number | null | undefined;
  reading: number | null;
  onRead: (step: number | null) => void;
}

function Line({ label, role, caption, column, value, t, episode, reading, onRead }: LineProps) {
  const read = useCallback(() => column, [column]);
  return (
    <MetricCard
      label={label}
      role={role}
      caption={caption}
      read={read}
      version={0}
      height={104}
      lastStep={episode.length}
      plannedStep={episode.length}
      at={t}
      reading={reading}
      onRead={onRead}
      format={shortNumber}
      value={value}
    />
  );
}

function useColumns(episode: Episode): { returns: Column; values: Column | null } {
  return useMemo(() => {
    const returns = new Column();
    returnsSoFar(episode.rewards).forEach((sum, t) => returns.push(t, sum));
    const values = episode.values && new Column();
    episode.values?.forEach((value, t) => values?.push(t, value));
    return { returns, values };
  }, [episode]);
}

/** Move from step to step at a speed until the end; from the end, begin again. */
function usePlayback(t: number, last: number, speed: number, onMove: (t: number) => void) {
  const [playing, setPlaying] = useState(false);
  const start = useRef(t);
  useEffect(() => {
    start.current = t;
  });
  useEffect(() => {
    if (!playing) return;
    let frame = 0;
    let before = performance.now();
    let owed = 0; // steps due that were not shown yet
    let now = start.current >= last ? 0 : start.current;
    const tick = (time: number) => {
      owed += ((time - before) / 1000) * speed;
      before = time;
      if (owed >= 1) {
        now = Math.min(last, now + Math.floor(owed));
        owed %= 1;
        onMove(now);
        if (now === last) {
          setPlaying(false);
          return;
        }
      }
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, last, onMove]);
  return { playing, setPlaying };
}

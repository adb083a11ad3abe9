import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Lock, Play } from "lucide-react";
import { useId, useState } from "react";

import type { Wire } from "../api/client";
import { presetsQuery } from "../api/queries";
import { ProblemNotice } from "../ui/ProblemNotice";
import { useMediaQuery } from "../ui/useMediaQuery";
import { useFeed, useRun, useRunControls, useStartRun } from "./hooks";
import { useOwnRun } from "./ownRun";
import { RunCharts } from "./RunCharts";
import { RunControls } from "./RunControls";
import { SettingSlider } from "./SettingSlider";
import { StateBadge } from "./StateBadge";
import { lastChange } from "./settings";
import { isLive, takesSettings } from "./words";

export interface LiveRunProps {
  preset: string;
  /** The metrics to single out among the charts. */
  focus?: readonly string[];
  /** A run that ships with the course, shown until the learner starts one. */
  recordedId?: string | null;
  /** Starting is not allowed yet; a string says why. */
  locked?: boolean | string;
  /** Where in the course this is, by which the browser remembers the learner's run. */
  place: string;
}

/**
 * A run inside a lesson. It is never empty: the recorded run stands there, said to be one, until
 * the learner starts their own; a reload finds the learner's run again.
 */
export function LiveRun(props: LiveRunProps) {
  const { preset, place, recordedId = null, locked = false } = props;
  const [ownId, remember] = useOwnRun(place, preset);
  const feed = useRun(ownId ?? recordedId);
  const snapshot = useFeed(feed);
  const controls = useRunControls(feed);
  const small = useMediaQuery("(max-width: 1080px)");
  const { run, state, words, link, error } = snapshot;
  const shortWords = words.split(":")[0] ?? words; // the reason behind it is on the run's own page
  const live = !run?.recorded && state !== null && isLive(state);

  return (
    <div className="live-run" data-run={run?.id}>
      <div className="live-run-head">
        <h2>
          {run?.recorded ? (
            <>
              Recorded run, seed <span className="num">{run.seed}</span>
            </>
          ) : run ? (
            <>
              Your run, seed <span className="num">{run.seed}</span>
            </>
          ) : (
            "A run of your own"
          )}
        </h2>
        {run && <StateBadge state={state} words={shortWords} link={link} announce />}
        {run && (
          <Link to="/runs/$id" params={{ id: run.id }} className="caption ml-auto">
            {live ? "Open run page" : "Replay step by step"}
          </Link>
        )}
      </div>
      {locked ? (
        <p className="live-run-locked">
          <Lock size={15} aria-hidden />
          {typeof locked === "string" ? locked : "Make your prediction first."}
        </p>
      ) : (
        <RunControls feed={run?.recorded ? null : feed} controls={controls} />
      )}
      {live && run ? (
        <LiveSettings
          run={run}
          values={snapshot.settings}
          changeOf={(name) => lastChange(feed?.record.events ?? [], name)}
          disabled={locked !== false || !takesSettings(state)}
          onApply={(name, value) => controls.send("set", { name, value })}
        />
      ) : (
        !locked && (
          <Starter
            preset={preset}
            again={run !== null && !run.recorded}
            onStarted={remember}
          />
        )
      )}
      {link === "failed" && error && !ownId && <ProblemNotice error={error} />}
      {(run || ownId || recordedId) && link !== "failed" && (
        <RunCharts feed={feed} narrow folded={small} focus={props.focus} />
      )}
    </div>
  );
}

interface LiveSettingsProps {
  run: Wire["RunDetail"];
  values: Record<string, number>;
  changeOf: (name: string) => { from: number; step: number } | null;
  disabled: boolean;
  onApply: (name: string, value: number) => Promise<boolean>;
}

function LiveSettings({ run, values, changeOf, disabled, onApply }: LiveSettingsProps) {
  return shownSettings(run.settings).map((setting) => (
    <SettingSlider
      key={setting.name}
      setting={setting}
      value={values[setting.name] ?? setting.value}
      change={changeOf(setting.name)}
      disabled={disabled}
      onApply={(value) => onApply(setting.name, value)}
    />
  ));
}

/** Lessons turn one knob; the run's own page has them all. */
function shownSettings(settings: Wire["LiveSetting"][]): Wire["LiveSetting"][] {
  const clip = settings.filter((setting) => setting.name === "clip_range");
  return clip.length > 0 ? clip : settings.slice(0, 1);
}

interface StarterProps {
  preset: string;
  /** The learner has a run already; this would be another. */
  again: boolean;
  onStarted: (id: string) => void;
}

/** "Start training", with the seed and the clip range to start with. */
function Starter({ preset, again, onStarted }: StarterProps) {
  const id = useId();
  const presets = useQuery(presetsQuery);
  const { start, busy, error } = useStartRun();
  const found = presets.data?.find((candidate) => candidate.name === preset);
  const [seed, setSeed] = useState<string | null>(null);
  const [chosen, setChosen] = useState<Record<string, number>>({});
  const settings = found ? shownSettings(found.settings) : [];
  const presetSeed = Number(found?.config.seed ?? 1);

  const onSubmit = async (event: React.FormEvent) => {
    event.preventDefault();
    const run = await start({
      kind: "control",
      preset,
      seed: seed === null || seed === "" ? null : Number(seed),
      overrides: chosen,
    });
    if (run) onStarted(run.id);
  };

  return (
    <form onSubmit={(event) => void onSubmit(event)} className="starter">
      <div className="run-controls">
        <button type="submit" className="btn btn-primary" disabled={busy || !found}>
          <Play size={15} aria-hidden /> {again ? "Start another run" : "Start training"}
        </button>
        <label htmlFor={id} className="label">
          Seed
        </label>
        <input
          id={id}
          className="field num w-24"
          type="number"
          min={0}
          max={2147483647}
          step={1}
          value={seed ?? presetSeed}
          onChange={(event) => setSeed(event.target.value)}
        />
      </div>
      {!again &&
        settings.map((setting) => (
          <SettingSlider
            key={setting.name}
            setting={setting}
            value={chosen[setting.name] ?? setting.value}
            onApply={(value) => {
              setChosen({ ...chosen, [setting.name]: value });
              return true;
            }}
          />
        ))}
      {error && <ProblemNotice error={error} />}
      {presets.error && <ProblemNotice error={presets.error} onRetry={() => void presets.refetch()} />}
      {presets.data && !found && (
        <p className="caption">
          The server knows no preset called <code className="num">{preset}</code>.
        </p>
      )}
    </form>
  );
}

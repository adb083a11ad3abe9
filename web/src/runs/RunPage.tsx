import { getRouteApi, Link } from "@tanstack/react-router";
import { FastForward, SlidersHorizontal } from "lucide-react";
import { useEffect, useState } from "react";

import { useActions } from "../actions/useActions";
import { usePage } from "../app/page";
import { ProblemNotice } from "../ui/ProblemNotice";
import { ConfigPanel } from "./ConfigPanel";
import { EpisodesPanel } from "./EpisodesPanel";
import { EventList } from "./EventList";
import { useFeed, useRun, useRunControls } from "./hooks";
import { RunCharts } from "./RunCharts";
import { RunControls } from "./RunControls";
import { marksOf } from "./replay";
import { Scrubber } from "./Scrubber";
import { SettingSlider } from "./SettingSlider";
import { StagesPanel } from "./StagesPanel";
import { StateBadge } from "./StateBadge";
import { TextsPanel } from "./TextsPanel";
import { lastChange } from "./settings";
import { isLive, takesSettings, wholeNumber } from "./words";

const route = getRouteApi("/runs/$id");
const NO_STEPS = new Float64Array(0);
const TRAIL = [{ label: "Runs", to: "/runs" }];

/** One run, live or replayed: every chart shows the state at the step the scrubber stands at. */
export default function RunPage() {
  const { id } = route.useParams();
  const feed = useRun(id);
  const snapshot = useFeed(feed);
  const controls = useRunControls(feed);
  const [at, moveTo] = useStepInUrl();
  const [config, setConfig] = useState(false);
  const { run, state, words, link, error, step } = snapshot;
  usePage(run?.title ?? (link === "failed" ? "Run" : ""), TRAIL);

  const steps = feed?.record.measuredSteps() ?? NO_STEPS;
  const marks = marksOf(feed?.record.events ?? []);
  const live = state !== null && isLive(state) && !run?.recorded;

  useActions([
    {
      id: "run.live",
      title: "Jump to the newest step",
      group: "Run",
      keys: "l",
      when: () => at !== null,
      perform: () => moveTo(null),
    },
    {
      id: "run.config",
      title: config ? "Hide the configuration" : "Show the configuration",
      group: "Run",
      keys: "c",
      perform: () => setConfig(!config),
    },
  ]);

  if (error && !run) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">This run could not be opened</h1>
        <ProblemNotice error={error} />
        <Link to="/runs" className="btn mt-4">
          All runs
        </Link>
      </div>
    );
  }
  return (
    <div className="page run-page">
      <div className="run-head">
        <h1 className="page-title">{run?.title ?? "Opening the run…"}</h1>
        {run && <StateBadge state={state} words={words} link={link} announce />}
        {at !== null && (
          <span className="caption">
            you are looking at step <strong className="num text-ink">{wholeNumber(at)}</strong>
          </span>
        )}
        <div className="run-head-buttons">
          <button
            type="button"
            className="btn"
            aria-expanded={config}
            onClick={() => setConfig(!config)}
          >
            <SlidersHorizontal size={15} aria-hidden /> Config
          </button>
          <button
            type="button"
            className="btn btn-primary"
            disabled={at === null}
            onClick={() => moveTo(null)}
          >
            <FastForward size={15} aria-hidden /> {live ? "Jump to live" : "Jump to the end"}
          </button>
        </div>
      </div>
      {run && (
        <p className="caption run-facts">
          {run.preset ? `Preset ${run.preset}, planned for ` : `${run.environment}, planned for `}
          <span className="num">{wholeNumber(run.total_steps)}</span> steps
          {run.recorded && "; recorded, it ships with the course"}
        </p>
      )}
      {config && run && <ConfigPanel run={run} />}
      <Scrubber steps={steps} marks={marks} last={step} at={at} onMove={moveTo} />
      {run && !run.recorded && (
        <div className="run-steer">
          <RunControls feed={feed} controls={controls} />
          {live && run.settings.length > 0 && (
            <div className="run-settings">
              {run.settings.map((setting) => (
                <SettingSlider
                  key={setting.name}
                  setting={setting}
                  value={snapshot.settings[setting.name] ?? setting.value}
                  change={lastChange(feed?.record.events ?? [], setting.name)}
                  disabled={!takesSettings(state)}
                  onApply={(value) => controls.send("set", { name: setting.name, value })}
                />
              ))}
            </div>
          )}
        </div>
      )}
      {run && run.kind !== "control" && <StagesPanel run={run} state={state} />}
      <RunCharts feed={feed} at={at} />
      <TextsPanel feed={feed} at={at} />
      {run?.kind === "control" && <EpisodesPanel run={run} />}
      <EventList marks={marks} at={at} onGo={moveTo} />
    </div>
  );
}

const URL_PAUSE = 250; // ms without a move until the address follows

/** The step looked at. It moves at once; the address follows when the hand rests. */
function useStepInUrl(): [number | null, (step: number | null) => void] {
  const { step: inUrl } = route.useSearch();
  const navigate = route.useNavigate();
  const [at, setAt] = useState<number | null>(inUrl ?? null);
  const [seenUrl, setSeenUrl] = useState(inUrl);
  if (inUrl !== seenUrl) {
    setSeenUrl(inUrl);
    setAt(inUrl ?? null);
  }
  useEffect(() => {
    if (at === (inUrl ?? null)) return;
    const timer = setTimeout(
      () => void navigate({ search: at === null ? {} : { step: at }, replace: true, resetScroll: false }),
      URL_PAUSE,
    );
    return () => clearTimeout(timer);
  }, [at, inUrl, navigate]);
  return [at, setAt];
}

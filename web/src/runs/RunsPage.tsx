import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Play, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";

import { answer, api, type Wire } from "../api/client";
import { presetsQuery, runsQuery } from "../api/queries";
import { usePage } from "../app/page";
import { ProblemNotice } from "../ui/ProblemNotice";
import { forgetFeed } from "./feeds";
import { useStartRun } from "./hooks";
import { metricFormat, SHOWN } from "./metrics";
import { StateBadge } from "./StateBadge";
import { isLive, stateWords, wholeNumber } from "./words";

const ASK_EVERY = 2000; // ms, while a run is live

/** All runs: the learner's own, newest first, and those that ship with the course. */
export default function RunsPage() {
  usePage("Runs", [{ label: "Course", to: "/" }]);
  const runs = useQuery({
    ...runsQuery,
    refetchInterval: (query) =>
      query.state.data?.some((run) => !run.recorded && isLive(run.state)) ? ASK_EVERY : false,
  });
  const own = runs.data?.filter((run) => !run.recorded) ?? [];
  const recorded = runs.data?.filter((run) => run.recorded) ?? [];
  return (
    <div className="page">
      <h1 className="page-title">Runs</h1>
      <p className="caption mt-1 mb-4">
        Every run is kept with all it measured, and can be replayed step by step.
      </p>
      {runs.error && <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.isPending && <p role="status">Fetching the runs…</p>}
      {runs.data && (
        <>
          <section aria-labelledby="own-runs">
            <h2 id="own-runs" className="section-title">
              Yours
            </h2>
            {own.length === 0 ? (
              <p className="caption">You have not started a run yet.</p>
            ) : (
              <RunList runs={own} />
            )}
            <Presets />
          </section>
          {recorded.length > 0 && (
            <section aria-labelledby="recorded-runs" className="mt-8">
              <h2 id="recorded-runs" className="section-title">
                Recorded for the course
              </h2>
              <RunList runs={recorded} />
            </section>
          )}
        </>
      )}
    </div>
  );
}

function RunList({ runs }: { runs: Wire["RunSummary"][] }) {
  return (
    <ul className="run-list card">
      {runs.map((run) => (
        <RunRow key={run.id} run={run} />
      ))}
    </ul>
  );
}

function RunRow({ run }: { run: Wire["RunSummary"] }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const renew = () => void client.invalidateQueries({ queryKey: runsQuery.queryKey });
  const params = { path: { run_id: run.id } };
  const resume = useMutation({
    mutationFn: () => answer(api.POST("/api/runs/{run_id}/resume", { params })),
    onSettled: renew,
  });
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/api/runs/{run_id}", { params })),
    onSuccess: () => forgetFeed(run.id),
    onSettled: renew,
  });
  const verdict = SHOWN[run.kind].verdict;
  const live = isLive(run.state);
  const error = resume.error ?? remove.error;
  return (
    <li>
      <div className="run-row">
        <Link to="/runs/$id" params={{ id: run.id }} className="run-row-name">
          {run.title}
        </Link>
        <span className="caption">
          {run.preset ? `preset ${run.preset}` : run.environment}, seed{" "}
          <span className="num">{run.seed}</span>
        </span>
        <StateBadge
          state={run.state}
          words={shortWords(run)}
        />
        <span className="run-row-value">
          <span className="label">{verdict.label}</span>{" "}
          <span className="num">{metricFormat(verdict.metric)(run.latest[verdict.metric])}</span>
        </span>
        <span className="caption">
          {run.recorded ? "" : <time dateTime={run.updated_at}>{dayAndTime(run.updated_at)}</time>}
        </span>
        <span className="run-row-buttons">
          {!run.recorded && !live && run.can_resume && (
            <button type="button" className="btn" disabled={resume.isPending} onClick={() => resume.mutate()}>
              <RotateCcw size={14} aria-hidden /> Resume{" "}
              <span className="sr-only">{run.title}</span>
            </button>
          )}
          {!run.recorded && !live && !asking && (
            <button type="button" className="btn btn-icon btn-quiet" aria-label={`Delete ${run.title}`} onClick={() => setAsking(true)}>
              <Trash2 size={15} aria-hidden />
            </button>
          )}
        </span>
      </div>
      {asking && (
        <div className="run-row-ask" role="alertdialog" aria-label="Delete this run?">
          <span>
            Delete this run and its <span className="num">{wholeNumber(run.step)}</span> steps for good?
          </span>
          <button type="button" className="btn btn-primary" onClick={() => remove.mutate()}>
            Delete
          </button>
          {/* The safe answer has the focus. */}
          {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
          <button type="button" className="btn" autoFocus onClick={() => setAsking(false)}>
            Keep
          </button>
        </div>
      )}
      {error && <ProblemNotice error={error} />}
    </li>
  );
}

/** Start a run without a lesson around it. */
function Presets() {
  const presets = useQuery(presetsQuery);
  const navigate = useNavigate();
  const { start, busy, error } = useStartRun();
  return (
    <div className="presets">
      <h2 className="section-title">Start one</h2>
      {error && <ProblemNotice error={error} />}
      {grouped(presets.data ?? []).map(([group, members]) => (
        <section key={group} className="preset-group" aria-label={group}>
          <h3>{group}</h3>
          <ul className="preset-list card">
            {members.map((preset) => (
              <li key={preset.name}>
                <h4>{preset.title}</h4>
                <div className="preset-words">
                  <p className="caption">{preset.description}</p>
                  {preset.stages.length > 0 && <p className="preset-stages">{preset.stages.join(" → ")}</p>}
                </div>
                <button
                  type="button"
                  className="btn"
                  disabled={busy}
                  onClick={() =>
                    void start({ kind: preset.kind, preset: preset.name, overrides: {} }).then(
                      (run) => run && navigate({ to: "/runs/$id", params: { id: run.id } }),
                    )
                  }
                >
                  <Play size={15} aria-hidden /> Start{" "}
                  <span className="sr-only">{preset.title}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

/** Presets by group, both in the server's order. */
function grouped(presets: Wire["Preset"][]): [string, Wire["Preset"][]][] {
  const groups = new Map<string, Wire["Preset"][]>();
  for (const preset of presets) groups.set(preset.group, [...(groups.get(preset.group) ?? []), preset]);
  return [...groups];
}

/** What became of a run; how well a finished one did has a column of its own. */
function shortWords(run: Wire["RunSummary"]): string {
  const words = stateWords("following", run.state, run.state_words, run.step);
  return run.state === "finished" ? (words.split(":")[0] ?? words) : words;
}

function dayAndTime(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

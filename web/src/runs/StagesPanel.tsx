import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { useEffect, useState } from "react";

import { answer, api, type Wire } from "../api/client";
import { presetsQuery, runsQuery, stagesQuery } from "../api/queries";
import { ProblemNotice } from "../ui/ProblemNotice";
import { useStartRun } from "./hooks";
import { metricFormat } from "./metrics";
import { StateBadge } from "./StateBadge";
import { isLive, type RunState } from "./words";

const ASK_EVERY = 2000; // ms, while a stage is at work or about to begin

type Stage = Wire["Stage"];

interface Props {
  run: Wire["RunDetail"];
  /** The run's state as its feed tells it. */
  state: RunState | null;
}

/** The stages of RLHF that a run belongs to, what each came to, and how to go on. */
export function StagesPanel({ run, state }: Props) {
  const stages = useQuery({
    ...stagesQuery(run.id),
    refetchInterval: (query) => (moving(query.state.data?.stages ?? []) ? ASK_EVERY : false),
  });
  const { refetch } = stages;
  useEffect(() => void refetch(), [state, refetch]);
  if (stages.error) {
    return <ProblemNotice error={stages.error} onRetry={() => void stages.refetch()} />;
  }
  if (!stages.data) return null;
  const shown = stages.data.stages;
  const elsewhere = shown.filter((stage) => stage.run_id !== run.id && stage.texts_after.length > 0);
  return (
    <section className="card stages" aria-labelledby="stages-title">
      <h2 id="stages-title">Stages</h2>
      <ol className="stages-list">
        {shown.map((stage) => (
          <StageCard key={stage.run_id ?? stage.kind} stage={stage} here={stage.run_id === run.id} />
        ))}
      </ol>
      {elsewhere.map((stage) => (
        <StageTexts key={stage.kind} stage={stage} />
      ))}
      {stages.data.next_ready && <NextStage run={run.id} words={next(shown, run.id)} />}
      {stages.data.presets.length > 0 && <GoOn run={run} presets={stages.data.presets} />}
    </section>
  );
}

function StageCard({ stage, here }: { stage: Stage; here: boolean }) {
  return (
    <li aria-current={here ? "step" : undefined} data-planned={stage.run_id === null || undefined}>
      <h3>
        {stage.run_id === null || here ? (
          stage.words
        ) : (
          <Link to="/runs/$id" params={{ id: stage.run_id }}>
            {stage.words}
          </Link>
        )}
        {here && <span className="caption"> (this run)</span>}
      </h3>
      {stage.state === null ? (
        <p className="caption">{stage.state_words}</p>
      ) : (
        // Where it is at is told beside the title, and would be old here.
        <StateBadge state={stage.state} words={stage.state === "running" ? "running" : stage.state_words} />
      )}
      {stage.figures.length > 0 && <Figures stage={stage} />}
    </li>
  );
}

function Figures({ stage }: { stage: Stage }) {
  const after = stage.state !== null && isLive(stage.state) ? "now" : "after";
  return (
    <table className="stages-figures">
      <thead>
        <tr>
          <th scope="col">
            <span className="sr-only">measured</span>
          </th>
          <th scope="col">before</th>
          <th scope="col">{after}</th>
        </tr>
      </thead>
      <tbody>
        {stage.figures.map((figure) => {
          const format = metricFormat(figure.key);
          return (
            <tr key={figure.key}>
              <th scope="row">{figure.label}</th>
              <td className="num">{format(figure.before)}</td>
              <td className="num">{format(figure.after)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What another stage's model writes; a run's own texts have a panel of their own. */
function StageTexts({ stage }: { stage: Stage }) {
  return (
    <details className="stages-texts">
      <summary>Answers before and after {stage.words}</summary>
      <div className="texts-columns">
        {(["before", "after"] as const).map((when) => (
          <div key={when}>
            <h4 className="label">{when === "before" ? "Before" : "After"}</h4>
            <ol>
              {stage[`texts_${when}`].map((text, index) => (
                <li key={index}>{text}</li>
              ))}
            </ol>
          </div>
        ))}
      </div>
    </details>
  );
}

/** Begins what should have begun by itself: the server was stopped between two stages. */
function NextStage({ run, words }: { run: string; words: string }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const begin = useMutation({
    mutationFn: () => answer(api.POST("/api/runs/{run_id}/next", { params: { path: { run_id: run } } })),
    onSuccess: (next) => {
      void client.invalidateQueries({ queryKey: runsQuery.queryKey });
      void navigate({ to: "/runs/$id", params: { id: next.id } });
    },
    onSettled: () => void client.invalidateQueries({ queryKey: stagesQuery(run).queryKey }),
  });
  return (
    <div className="stages-go">
      <button type="button" className="btn btn-primary" disabled={begin.isPending} onClick={() => begin.mutate()}>
        <Play size={15} aria-hidden /> Start the next stage: {words}
      </button>
      {begin.error && <ProblemNotice error={begin.error} />}
    </div>
  );
}

/** Other ways to go on from a finished stage, without doing it again. */
function GoOn({ run, presets }: { run: Wire["RunDetail"]; presets: string[] }) {
  const all = useQuery(presetsQuery);
  const navigate = useNavigate();
  const { start, busy, error } = useStartRun();
  const [chosen, choose] = useState<string | null>(null);
  const offered = all.data?.filter((preset) => presets.includes(preset.name)) ?? [];
  const preset = offered.find(({ name }) => name === chosen) ?? offered[0];
  if (!preset) return null;
  return (
    <form
      className="stages-go"
      onSubmit={(event) => {
        event.preventDefault();
        void start({ kind: "language", preset: preset.name, seed: run.seed, overrides: {}, after: run.id }).then(
          (begun) => begun && navigate({ to: "/runs/$id", params: { id: begun.id } }),
        );
      }}
    >
      <label>
        <span className="label">Go on from here with</span>{" "}
        <select className="field" value={preset.name} onChange={(event) => choose(event.target.value)}>
          {offered.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="btn" disabled={busy}>
        <Play size={15} aria-hidden /> Start
      </button>
      {error && <ProblemNotice error={error} />}
    </form>
  );
}

/** Whether something will change without anyone's doing. */
function moving(stages: Stage[]): boolean {
  const begun = stages.filter((stage) => stage.state !== null);
  const last = begun.at(-1)?.state;
  const betweenTwo = last === "finished" && begun.length < stages.length;
  return betweenTwo || begun.some((stage) => stage.state !== null && isLive(stage.state));
}

/** What the stage after a run is called. */
function next(stages: Stage[], run: string): string {
  const here = stages.findIndex((stage) => stage.run_id === run);
  return stages[here + 1]?.words ?? "";
}

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useActions } from "../../actions/useActions";
import { runsQuery } from "../../api/queries";
import { usePage } from "../../app/page";
import { Tex } from "../../ui/math/Tex";
import { useGone } from "../../runs/ownRun";
import { ClipExplorer } from "./ClipExplorer";
import { newestRun } from "./newestRun";
import { type ClipState, DEFAULT_STATE, fromSearch, readSearch, toSearch } from "./state";
import { runTitle, useRunRatios } from "./useRunRatios";

const OBJECTIVE = String.raw`L(r)=\min\bigl(r\,\htmlClass{m-critic}{\hat A},\ \operatorname{clip}(r,1-\epsilon,1+\epsilon)\,\htmlClass{m-critic}{\hat A}\bigr)`;
const RATIO = String.raw`r=\frac{\htmlClass{m-actor}{\pi_\theta(a\mid s)}}{\htmlClass{m-actor}{\pi_{\theta_\text{old}}(a\mid s)}}`;

/** The page at /instruments/clip-explorer. Its whole state is in the URL, so a link shows the same. */
export default function ClipExplorerPage() {
  usePage("Clip explorer");
  const search: Record<string, unknown> = useSearch({ strict: false });
  const state = fromSearch(readSearch(search));
  const navigate = useNavigate();
  const runs = useQuery(runsQuery);
  const gone = useGone(state.run);
  const runId = (gone ? null : state.run) ?? newestRun(runs.data ?? [])?.id ?? null;
  const { ratios, words } = useRunRatios(runId, state.step);

  const change = (next: Partial<ClipState>) =>
    void navigate({
      to: "/instruments/clip-explorer",
      // Dragging must not fill the history, and the page must not jump to its top.
      search: toSearch({ ...state, ...next }) as never,
      replace: true,
      resetScroll: false,
    });
  useActions([
    {
      id: "clip.flip",
      title: "Flip the sign of the advantage",
      group: "Figure",
      keys: "a",
      perform: () => change({ advantage: -state.advantage }),
    },
    {
      id: "clip.reset",
      title: "Reset the clip explorer",
      group: "Figure",
      perform: () => change(DEFAULT_STATE),
    },
  ]);

  return (
    <div className="clip-page">
      <header>
        <h1>Clip explorer</h1>
        <p className="clip-page-lead">
          One sample of a batch: how its probability ratio moves the objective, and where moving it
          further earns nothing. Drag the point, or focus it and use the arrow keys.
        </p>
        <div className="clip-page-formulas">
          <Tex display tex={OBJECTIVE} />
          <Tex display tex={RATIO} />
        </div>
      </header>
      <div className="card clip-page-card">
        <div className="clip-page-tools">
          <label>
            <span className="label">Ratios from</span>
            <select
              className="field"
              value={runId ?? ""}
              disabled={!runs.data || runs.data.length === 0}
              onChange={(event) => change({ run: event.currentTarget.value, step: null, epoch: null })}
            >
              {runId === null && <option value="">no run yet</option>}
              {runs.data?.map((run) => (
                <option key={run.id} value={run.id}>
                  {runTitle(run)} ({run.state})
                </option>
              ))}
            </select>
          </label>
          {gone && (
            <p role="status" className="caption">
              The run that the address names is gone; this is the newest there is.
            </p>
          )}
          <button type="button" className="btn" onClick={() => change(DEFAULT_STATE)}>
            Reset
          </button>
          {runId !== null && (
            <Link className="btn" to="/runs/$id" params={{ id: runId }}>
              Open this run
            </Link>
          )}
        </div>
        <ClipExplorer state={state} onChange={change} ratios={ratios} noRatios={words} />
      </div>
    </div>
  );
}

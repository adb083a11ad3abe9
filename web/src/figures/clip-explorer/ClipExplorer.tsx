/**
 * The clip explorer: one sample's ratio r against PPO's clipped objective, and under it the ratios
 * that a real run's update produced.
 *
 * Specification
 * - State is one `ClipState` (ratio, advantage, ε, run, step, epoch) owned by the caller; every change goes
 *   out through `onChange`. Nothing is kept inside but whether the table is open.
 * - From 640 px on, both signs of A stand side by side and share ratio, |A| and ε; below that a
 *   toggle picks the sign.
 * - `histogram` is the newest `histogram` event named "ratio" of the run; `positive` and `negative`
 *   are the same for the samples with A > 0 and A < 0, where the run recorded them. Only with those
 *   two can it be said how many samples outside the band still have a gradient; without them the
 *   figure says that it cannot.
 * - `compact` folds what a small stage has no room for: ε, |A|, the reason and the table.
 */

import { useState } from "react";
import { useWidth } from "../useWidth";
import { clipPoint } from "./clip";
import "./clip-explorer.css";
import { EpochRatios } from "./EpochRatios";
import type { RatioHistogramData } from "./histogram";
import { ObjectivePanel } from "./ObjectivePanel";
import { Range } from "./Range";
import {
  ADVANTAGE_MAX,
  ADVANTAGE_MIN,
  ADVANTAGE_STEP,
  CLIP_MAX,
  CLIP_MIN,
  CLIP_STEP,
  type ClipState,
} from "./state";
import { branchName, gradientName, signed, whyHere, withSign } from "./words";

const SIDE_BY_SIDE = 640;
const GAP = 16;

export interface RunRatios {
  /** names the run in words, e.g. "CartPole-v1, recorded run, seed 1" */
  title: string;
  histogram: RatioHistogramData;
  positive?: RatioHistogramData;
  negative?: RatioHistogramData;
  /** the ε that the run trained with at that step, where it is known */
  clipRange: number | null;
  /** the steps of all updates that recorded ratios, rising */
  steps: number[];
  /** the run goes on, so that the newest update is worth following */
  live: boolean;
}

interface ClipExplorerProps {
  state: ClipState;
  onChange: (change: Partial<ClipState>) => void;
  ratios: RunRatios | null;
  /** said in the histogram's place when there is none */
  noRatios?: string;
  compact?: boolean;
}

export function ClipExplorer({ state, onChange, ratios, noRatios, compact }: ClipExplorerProps) {
  const [frame, width] = useWidth<HTMLDivElement>(560);
  const [tableOpen, setTableOpen] = useState(false);
  const wide = width >= SIDE_BY_SIDE;
  const panelWidth = wide ? Math.floor((width - GAP) / 2) : width;
  const panelHeight = compact ? 190 : Math.round(Math.min(280, Math.max(210, panelWidth * 0.46)));
  const size = Math.abs(state.advantage);
  const point = clipPoint(state.ratio, state.advantage, state.clipRange);
  const signs = wide ? [1, -1] : [Math.sign(state.advantage)];

  return (
    <div
      ref={frame}
      className="clip-explorer"
      data-wide={wide ? "" : undefined}
      data-compact={compact ? "" : undefined}
    >
      {!wide && (
        <div className="segmented clip-signs" role="group" aria-label="Sign of the advantage">
          {[1, -1].map((sign) => (
            <button
              key={sign}
              type="button"
              aria-pressed={Math.sign(state.advantage) === sign}
              onClick={() => onChange({ advantage: sign * size })}
            >
              {sign > 0 ? "A > 0: a good action" : "A < 0: a bad action"}
            </button>
          ))}
        </div>
      )}
      <div className="clip-panels">
        {signs.map((sign) => (
          <figure key={sign} className="clip-figure">
            {wide && (
              <figcaption>
                <strong>{sign > 0 ? "A > 0" : "A < 0"}</strong>{" "}
                {sign > 0 ? "the action was better than expected" : "the action was worse than expected"}
              </figcaption>
            )}
            <ObjectivePanel
              ratio={state.ratio}
              advantage={sign * size}
              clipRange={state.clipRange}
              width={panelWidth}
              height={panelHeight}
              active={Math.sign(state.advantage) === sign}
              onRatio={(ratio) => onChange({ ratio, advantage: sign * size })}
            />
          </figure>
        ))}
      </div>
      <LineKey />
      <Readouts state={state} />
      {!compact && (
        <>
          <p className="clip-why" aria-live="polite">
            <strong>{branchName(point)}.</strong> {whyHere(point)}
          </p>
          <div className="clip-controls">
            <Range
              label="Clip range ε"
              words={state.clipRange.toFixed(2)}
              value={state.clipRange}
              low={CLIP_MIN}
              high={CLIP_MAX}
              step={CLIP_STEP}
              onChange={(clipRange) => onChange({ clipRange })}
            />
            <Range
              label="Size of the advantage |A|"
              words={size.toFixed(2)}
              value={size}
              low={ADVANTAGE_MIN}
              high={ADVANTAGE_MAX}
              step={ADVANTAGE_STEP}
              onChange={(next) => onChange({ advantage: Math.sign(state.advantage) * next })}
            />
          </div>
        </>
      )}
      <EpochRatios
        ratios={ratios}
        noRatios={noRatios ?? "No run has recorded ratios yet."}
        clipRange={state.clipRange}
        epoch={state.epoch}
        onChange={onChange}
        panelWidth={panelWidth}
        wide={wide}
        compact={compact}
      />
      {!compact && (
        <div className="clip-table">
          <button
            type="button"
            className="btn"
            aria-expanded={tableOpen}
            onClick={() => setTableOpen(!tableOpen)}
          >
            {tableOpen ? "Hide the table" : "Show as a table"}
          </button>
          {tableOpen && <ObjectiveTable clipRange={state.clipRange} size={size} />}
        </div>
      )}
    </div>
  );
}

function LineKey() {
  return (
    <p className="clip-key" aria-hidden="true">
      <span>
        <svg width="26" height="8">
          <path d="M1 4h24" className="clip-objective" />
        </svg>
        objective L
      </span>
      <span>
        <svg width="26" height="8">
          <path d="M1 4h24" className="clip-unclipped" />
        </svg>
        unclipped r·A
      </span>
      <span>
        <svg width="26" height="10" className="clip-arrow positive">
          <path d="M1 5h15" className="clip-key-arrow" />
          <path d="M25 5l-9 -4v8Z" />
        </svg>
        ∂L/∂r, where the gradient moves r
      </span>
    </p>
  );
}

function Readouts({ state }: { state: ClipState }) {
  const point = clipPoint(state.ratio, state.advantage, state.clipRange);
  return (
    <dl className="clip-readouts">
      <div>
        <dt>ratio r</dt>
        <dd>{signed(point.ratio)}</dd>
      </div>
      <div>
        <dt>
          <span>advantage </span>A
        </dt>
        <dd>{withSign(point.advantage)}</dd>
      </div>
      <div>
        <dt>objective L</dt>
        <dd>{signed(point.objective)}</dd>
      </div>
      <div>
        <dt>∂L/∂r</dt>
        <dd>
          {point.gradient === 0 ? "0" : withSign(point.gradient)}
          <small>{gradientName(point)}</small>
        </dd>
      </div>
    </dl>
  );
}

const TABLE_RATIOS = [0.4, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6];

/** The figure's content as numbers, for those who read tables better than lines. */
function ObjectiveTable({ clipRange, size }: { clipRange: number; size: number }) {
  return (
    <div className="clip-table-scroll" tabIndex={0} role="region" aria-label="Objective as a table">
      <table>
        <caption>
          Objective and gradient for A = ±{size.toFixed(2)}, ε = {clipRange.toFixed(2)}
        </caption>
        <thead>
          <tr>
            <th scope="col">r</th>
            <th scope="col">L, A &gt; 0</th>
            <th scope="col">∂L/∂r</th>
            <th scope="col">L, A &lt; 0</th>
            <th scope="col">∂L/∂r</th>
          </tr>
        </thead>
        <tbody>
          {TABLE_RATIOS.map((ratio) => {
            const up = clipPoint(ratio, size, clipRange);
            const down = clipPoint(ratio, -size, clipRange);
            return (
              <tr key={ratio}>
                <th scope="row">{ratio.toFixed(2)}</th>
                <td>{signed(up.objective)}</td>
                <td>{signed(up.gradient)}</td>
                <td>{signed(down.objective)}</td>
                <td>{signed(down.gradient)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

import { scaleLinear } from "d3-scale";
import { Table } from "lucide-react";
import { useId, useState } from "react";

import { type Bin, bandShares, binsOf } from "../figures/clip-explorer/histogram";
import type { HistogramData } from "../runs/record";
import { RoleMark } from "../ui/RoleMark";
import { useSize } from "./useSize";

interface Props {
  /** One row of counts per epoch of one update; null while none was recorded. */
  data: HistogramData | null;
  /** The step of that update. */
  step: number | null;
  /** ε in force; null when it is not known. */
  clipRange: number | null;
  /** Height of the plot in pixels, shared by the rows. */
  height: number;
  className?: string;
}

const AXIS = 20; // px under the rows for the axis
const MOST_ROW = 30; // px; fewer epochs do not get taller rows than this
const TEXT_LINE = 14; // px
const LEFT = 62;
const RIGHT = 62;

/**
 * Where the probability ratios of one update lie, a row per epoch.
 *
 * The band 1 ± ε is marked; samples outside are hatched as well as coloured, and their share stands
 * at the right of each row. Each row has its own height, because in the first epoch nearly all
 * ratios are 1. The first and last bins also hold what lies beyond the axis.
 */
export function RatioHistogram({ data, step, clipRange, height, className = "" }: Props) {
  const [table, setTable] = useState(false);
  const rows = data ? data.counts.map((_, epoch) => binsOf({ ...data, step: step ?? 0 }, epoch)) : [];
  const shares = rows.map((bins) => outsideShare(bins, clipRange));
  const last = shares.at(-1) ?? null;
  return (
    <section className={`metric card ${className}`} aria-label="Probability ratios">
      <header className="metric-head">
        <h3 className="role role-actor">
          <RoleMark role="actor" />
          <span>Probability ratios by epoch</span>
        </h3>
        <output className="metric-value num">{last === null ? "–" : percent(last)}</output>
      </header>
      {table ? (
        <RatioTable rows={rows} shares={shares} />
      ) : (
        <Rows rows={rows} shares={shares} clipRange={clipRange} data={data} height={height} />
      )}
      <footer className="metric-foot">
        <span>
          {data === null || step === null
            ? "Drawn after the first update"
            : `of the last epoch outside 1 ± ${clipRange ?? "ε"}, update at step ${step.toLocaleString("en-US")}`}
        </span>
        <button
          type="button"
          className="table-toggle"
          aria-pressed={table}
          aria-label="Probability ratios as a table"
          onClick={() => setTable(!table)}
        >
          <Table size={14} aria-hidden />
        </button>
      </footer>
    </section>
  );
}

interface RowsProps {
  rows: Bin[][];
  shares: (number | null)[];
  clipRange: number | null;
  data: HistogramData | null;
  height: number;
}

function Rows({ rows, shares, clipRange, data, height }: RowsProps) {
  const [box, width] = useSize<HTMLDivElement>();
  const hatch = useId();
  const row = Math.min(MOST_ROW, (height - AXIS) / Math.max(rows.length, 1));
  const low = data?.low ?? 0.5;
  const high = data?.high ?? 1.5;
  const x = scaleLinear([low, high], [LEFT, Math.max(LEFT + 40, width - RIGHT)]);
  const bottom = height - AXIS;
  const sentence = rows.length
    ? `Probability ratios of one update. ${shares.map((share, i) => `Epoch ${i + 1}: ${share === null ? "band unknown" : `${percent(share)} outside`}`).join("; ")}.`
    : "Probability ratios: nothing recorded yet.";
  return (
    <div ref={box} className="chart" style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={sentence}>
          <defs>
            <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse">
              <rect width="5" height="5" className="hatch-ground" />
              <path d="M-1 6 6 -1M-1 1 1 -1M4 6 6 4" className="hatch-line" />
            </pattern>
          </defs>
          {clipRange !== null && (
            <rect
              x={x(1 - clipRange)}
              width={Math.max(0, x(1 + clipRange) - x(1 - clipRange))}
              y={0}
              height={bottom}
              className="band"
            />
          )}
          {rows.map((bins, epoch) => (
            <Row
              key={`epoch ${epoch + 1}`}
              bins={bins}
              epoch={epoch}
              epochs={rows.length}
              share={shares[epoch] ?? null}
              clipRange={clipRange}
              row={row}
              top={bottom - rows.length * row}
              x={x}
              width={width}
              fill={`url(#${hatch})`}
            />
          ))}
          {x.ticks(width > 420 ? 9 : 5).map((tick) => (
            <text key={tick} x={x(tick)} y={height - 5} textAnchor="middle" className="tick">
              {tick.toFixed(1)}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}

interface RowProps {
  bins: Bin[];
  epoch: number;
  epochs: number;
  share: number | null;
  clipRange: number | null;
  /** Height of a row, and where the first begins. */
  row: number;
  top: number;
  x: (ratio: number) => number;
  width: number;
  fill: string;
}

function Row({ bins, epoch, epochs, share, clipRange, row, top, x, width, fill }: RowProps) {
  const base = top + (epoch + 1) * row;
  // Text is never scaled: where rows are lower than a line of it, only some are named.
  const stride = Math.ceil(TEXT_LINE / row);
  const named = (epochs - 1 - epoch) % stride === 0;
  const peak = Math.max(1, ...bins.map((bin) => bin.count));
  return (
    <g>
      <line x1={LEFT} x2={width - RIGHT} y1={base} y2={base} className="grid-line" />
      {named && (
        <text x={0} y={base - 2} className="tick">
          epoch {epoch + 1}
        </text>
      )}
      {bins.map((bin) => {
        if (bin.count === 0) return null;
        const middle = (bin.low + bin.high) / 2;
        const outside = clipRange !== null && Math.abs(middle - 1) > clipRange;
        // A bar of one sample beside a peak of hundreds must still be seen.
        const tall = Math.max(1.5, (bin.count / peak) * (row - 3));
        return (
          <rect
            key={bin.low}
            x={x(bin.low) + 0.5}
            width={Math.max(1, x(bin.high) - x(bin.low) - 1)}
            y={base - tall}
            height={tall}
            className={outside ? "bar-outside" : "bar-inside"}
            style={outside ? { fill } : undefined}
          />
        );
      })}
      {named && share !== null && (
        <text x={width} y={base - 2} textAnchor="end" className="tick share">
          {percent(share)}
        </text>
      )}
    </g>
  );
}

function RatioTable({ rows, shares }: { rows: Bin[][]; shares: (number | null)[] }) {
  if (rows.length === 0) return <p className="caption">Nothing recorded yet.</p>;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Probability ratios, table">
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">epoch</th>
            <th scope="col">samples</th>
            <th scope="col">outside</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((bins, epoch) => (
            // Rows are their epochs.
            <tr key={`epoch ${epoch + 1}`}>
              <td>{epoch + 1}</td>
              <td>{bins.reduce((sum, bin) => sum + bin.count, 0).toLocaleString("en-US")}</td>
              <td>{shares[epoch] == null ? "–" : percent(shares[epoch])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The share of samples outside 1 ± ε, from 0 to 1; exact up to the bins the band's edges cut. */
export function outsideShare(bins: Bin[], clipRange: number | null): number | null {
  if (clipRange === null) return null;
  const { total, below, above } = bandShares(bins, clipRange);
  return total === 0 ? null : (below + above) / total;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

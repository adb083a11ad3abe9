import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { useCallback, useEffect, useId, useLayoutEffect, useRef } from "react";

import type { Column } from "../runs/column";
import type { Role } from "../ui/RoleMark";
import { decimate, type PixelPoints } from "./decimate";
import { type Margins, shortStep, stepAxisEnd, tickLabel, valueRange } from "./scales";
import { chartSentence } from "./sentence";
import { useSize } from "./useSize";

export interface LineChartProps {
  label: string;
  role: Role | "none";
  /** The data now; read anew at each draw, so it may be replaced and may grow. */
  read: () => Column | undefined;
  /** Tells when there is more to draw. */
  onData?: (listener: () => void) => () => void;
  /** Changes when axes and words should be computed anew, at most four times a second. */
  version: number;
  height?: number;
  /** The latest step of the run; the step axis covers it. */
  lastStep: number;
  /** The step at which the run is planned to end; the axis does not pass it needlessly. */
  plannedStep?: number;
  /** A target or natural bound worth a line. */
  reference?: number | null;
  /** What the reference is, e.g. "475, solved". */
  referenceLabel?: string;
  /** The step a replay looks at: a cursor stands there and what comes later is dimmed. */
  at?: number | null;
  /** The step a reader points at; null when none. */
  reading: number | null;
  onRead: (step: number | null) => void;
  format: (value: number | null | undefined) => string;
  /** How a value is written on the axis, whose ticks lie `distance` apart. */
  tick?: (value: number, distance: number) => string;
}

const MARGINS: Margins = { top: 6, right: 8, bottom: 20, left: 44 };

/**
 * One metric over steps.
 *
 * React lays out axes and words when `version` or the size changes. The line itself is drawn in an
 * animation frame after data came, straight into the path: reduced to a few points a pixel column
 * (see `decimate`), then one path from the start to the cursor and one, dimmed, behind it. Text is
 * laid out anew at each width and never scaled; data never eases. Values that were not finite are
 * breaks in the line.
 *
 * Reading: point at the plot, or focus it and use the arrow keys (Home, End, Escape).
 */
export function LineChart(props: LineChartProps) {
  const { label, role, read, onData, version, height = 118, lastStep, reference, at } = props;
  const { reading, onRead, format, tick: tickWords = tickLabel } = props;
  const [box, width] = useSize<HTMLDivElement>();
  const past = useRef<SVGPathElement>(null);
  const future = useRef<SVGPathElement>(null);
  const clip = useId();

  const column = read();
  const end = stepAxisEnd(lastStep, props.plannedStep);
  const [low, high] = valueRange(
    column?.min ?? Number.POSITIVE_INFINITY,
    column?.max ?? Number.NEGATIVE_INFINITY,
    reference,
  );
  const right = Math.max(MARGINS.left + 10, width - MARGINS.right);
  const bottom = height - MARGINS.bottom;
  const x = scaleLinear([0, end], [MARGINS.left, right]);
  const y = scaleLinear([low, high], [bottom, MARGINS.top]);

  const draw = useCallback(() => {
    const toX = scaleLinear([0, end], [MARGINS.left, right]);
    const toY = scaleLinear([low, high], [bottom, MARGINS.top]);
    const points = read();
    if (!points || width === 0) return;
    const cut = at == null ? points.length : points.indexAt(at) + 1;
    const shown = decimate(points.steps, points.values, 0, cut, toX, toY);
    past.current?.setAttribute("d", pathOf(shown));
    const rest =
      cut < points.length
        ? decimate(points.steps, points.values, Math.max(0, cut - 1), points.length, toX, toY)
        : null;
    future.current?.setAttribute("d", rest ? pathOf(rest) : "");
  }, [read, width, end, right, low, high, bottom, at]);

  useLayoutEffect(draw, [draw, version]);
  useEffect(() => {
    if (!onData) return;
    let frame = 0;
    const stop = onData(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [onData, draw]);

  const yTicks = y.ticks(Math.max(bottom - MARGINS.top < 50 ? 2 : 3, Math.floor((bottom - MARGINS.top) / 34)));
  const xTicks = x.ticks(Math.max(2, Math.floor((right - MARGINS.left) / 76)));
  const distance = yTicks.length > 1 ? yTicks[1]! - yTicks[0]! : (high - low) / 2;
  const readIndex = column && reading !== null ? column.indexAt(reading) : -1;
  const readStep = readIndex >= 0 && column ? column.steps[readIndex]! : null;
  const readValue = readIndex >= 0 && column ? column.values[readIndex]! : Number.NaN;
  const name = role === "none" ? "plain" : role;

  return (
    <div ref={box} className="chart" style={{ height }}>
      {width > 0 && (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={chartSentence(label, column, { at, reference, format })}
        >
          <clipPath id={clip}>
            <rect x={MARGINS.left} y={0} width={right - MARGINS.left + 2} height={bottom + 1} />
          </clipPath>
          {yTicks.map((tick) => (
            <g key={tick}>
              <line x1={MARGINS.left} x2={right} y1={y(tick)} y2={y(tick)} className="grid-line" />
              <text x={MARGINS.left - 6} y={y(tick)} dy="0.34em" textAnchor="end" className="tick">
                {tickWords(tick, distance)}
              </text>
            </g>
          ))}
          {xTicks.map((tick) => (
            <text
              key={tick}
              x={x(tick)}
              y={height - 5}
              textAnchor={x(tick) > right - 14 ? "end" : "middle"}
              className="tick"
            >
              {shortStep(tick)}
            </text>
          ))}
          <g clipPath={`url(#${clip})`}>
            {reference != null && (
              <line
                x1={MARGINS.left}
                x2={right}
                y1={y(reference)}
                y2={y(reference)}
                className="reference-line"
              />
            )}
            <path ref={future} className="series" style={{ stroke: `var(--${name}-past)` }} />
            <path ref={past} className="series" style={{ stroke: `var(--${name})` }} />
            {at != null && <line x1={x(at)} x2={x(at)} y1={0} y2={bottom} className="cursor-line" />}
            {readStep !== null && (
              <>
                <line x1={x(readStep)} x2={x(readStep)} y1={0} y2={bottom} className="read-line" />
                {!Number.isNaN(readValue) && (
                  <circle cx={x(readStep)} cy={y(readValue)} r={3.5} className="read-dot" />
                )}
              </>
            )}
          </g>
          {reference != null && props.referenceLabel && (
            <text x={right} y={y(reference) + 13} textAnchor="end" className="reference-label">
              {props.referenceLabel}
            </text>
          )}
        </svg>
      )}
      <Reader
        label={label}
        column={column}
        index={readIndex}
        format={format}
        onRead={onRead}
        stepOf={(pixel) => x.invert(pixel + MARGINS.left)}
      />
    </div>
  );
}

interface ReaderProps {
  label: string;
  column: Column | undefined;
  /** The point read now; -1 when none. */
  index: number;
  format: (value: number | null | undefined) => string;
  onRead: (step: number | null) => void;
  /** The step at a distance in pixels from the left edge of the plot. */
  stepOf: (pixel: number) => number;
}

/** The invisible slider over a plot that reads its points by pointer and by keys. */
function Reader({ label, column, index, format, onRead, stepOf }: ReaderProps) {
  const last = (column?.length ?? 0) - 1;
  const position = index >= 0 ? index : last;
  const words =
    column && position >= 0
      ? `step ${column.steps[position]!.toLocaleString("en-US")}: ${format(column.values[position])}`
      : "nothing recorded yet";

  const onKeyDown = (event: React.KeyboardEvent) => {
    const target = nextIndex(event.key, position, last, event.shiftKey ? 10 : 1);
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onRead(target === null || !column ? null : (column.steps[target] ?? null));
  };

  return (
    <div
      className="chart-reader"
      role="slider"
      tabIndex={0}
      aria-label={`Read ${label}`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={Math.max(0, position)}
      aria-valuetext={words}
      onKeyDown={onKeyDown}
      onBlur={() => onRead(null)}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onRead(Math.max(0, stepOf(event.clientX - box.left)));
      }}
      onPointerLeave={() => onRead(null)}
    />
  );
}

/** The index a key leads to; null to stop reading, undefined for a key that means nothing here. */
function nextIndex(
  key: string,
  index: number,
  last: number,
  stride: number,
): number | null | undefined {
  if (key === "Escape") return null;
  if (last < 0) return undefined;
  if (key === "ArrowLeft") return Math.max(0, index - stride);
  if (key === "ArrowRight") return Math.min(last, index + stride);
  if (key === "Home") return 0;
  if (key === "End") return last;
  return undefined;
}

/** One SVG path; NaN breaks it, and a lone point between breaks becomes a dot. */
export function pathOf(points: PixelPoints): string {
  const indices = Array.from({ length: points.length }, (_, i) => i);
  return (
    line<number>()
      .defined((i) => !Number.isNaN(points.y[i]!))
      .x((i) => points.x[i]!)
      .y((i) => points.y[i]!)
      .digits(1)(indices) ?? ""
  );
}

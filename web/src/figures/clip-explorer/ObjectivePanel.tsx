/**
 * One panel of the clip explorer: the objective of a single sample against its probability ratio.
 *
 * Draws, for an advantage of one sign:
 * - L(r) = min(r·A, clip(r, 1−ε, 1+ε)·A) as a solid line in the actor's colour,
 * - r·A dashed where the two differ,
 * - the band 1 ± ε as ground, the part without gradient hatched under the axis and named,
 * - the point (r, L) with an arrow along the ratio axis: the direction and size of ∂L/∂r.
 *
 * Props in, callbacks out; no state. The point is a slider: arrows move it by 0.01, with Shift or
 * PageUp/PageDown by 0.1, Home and End go to the ends; the pointer drags it anywhere in the plot.
 * Axes are fixed (ratio 0.4 to 1.6, objective up to ±1.75), so that nothing jumps while dragging.
 */

import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { type KeyboardEvent, type PointerEvent, useId, useRef } from "react";
import { clipPoint, flatPart, objectiveCorners } from "./clip";
import { RATIO_MAX, RATIO_MIN, ratioAfterKey, tidy } from "./state";
import { panelSentence, signed, sliderText, withSign } from "./words";

export const PANEL_MARGIN = { left: 40, right: 14 };
const TOP = 12;
const BOTTOM = 40;
const OBJECTIVE_LIMIT = 1.75;
// Pixels of arrow for a gradient of 1.
const ARROW_SCALE = 44;

interface ObjectivePanelProps {
  ratio: number;
  advantage: number;
  clipRange: number;
  width: number;
  height: number;
  /** the readouts show this panel's sample */
  active: boolean;
  onRatio: (ratio: number) => void;
}

export function ratioScale(width: number) {
  return scaleLinear()
    .domain([RATIO_MIN, RATIO_MAX])
    .range([PANEL_MARGIN.left, width - PANEL_MARGIN.right]);
}

export function ObjectivePanel(props: ObjectivePanelProps) {
  const { ratio, advantage, clipRange, width, height, active, onRatio } = props;
  const svg = useRef<SVGSVGElement>(null);
  const hatch = useId();
  const x = ratioScale(width);
  const y = scaleLinear()
    .domain(advantage > 0 ? [0, OBJECTIVE_LIMIT] : [-OBJECTIVE_LIMIT, 0])
    .range([height - BOTTOM, TOP]);
  const point = clipPoint(ratio, advantage, clipRange);
  const path = line<[number, number]>()
    .x((d) => x(d[0]))
    .y((d) => y(d[1]));
  const corners = objectiveCorners(advantage, clipRange, RATIO_MIN, RATIO_MAX);
  const flat = flatPart(advantage, clipRange, RATIO_MIN, RATIO_MAX);

  function ratioAt(event: PointerEvent): number {
    const box = svg.current?.getBoundingClientRect();
    const inside = x.invert(event.clientX - (box?.left ?? 0));
    return tidy(Math.round(Math.min(Math.max(inside, RATIO_MIN), RATIO_MAX) * 100) / 100);
  }
  function startDrag(event: PointerEvent<SVGSVGElement>) {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    onRatio(ratioAt(event));
  }
  function drag(event: PointerEvent<SVGSVGElement>) {
    if (event.buttons & 1) onRatio(ratioAt(event));
  }
  function press(event: KeyboardEvent) {
    const next = ratioAfterKey(ratio, event.key, event.shiftKey);
    if (next === null) return;
    event.preventDefault();
    onRatio(next);
  }

  return (
    <svg
      ref={svg}
      className="clip-panel"
      data-active={active}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="group"
      aria-label={advantage > 0 ? "Objective for A above 0" : "Objective for A below 0"}
      onPointerDown={startDrag}
      onPointerMove={drag}
    >
      <g role="img" aria-label={panelSentence(point)}>
        <defs>
          <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse">
            <path d="M-1 7 7 -1M5 7 7 5M-1 1 1 -1" className="clip-hatch" />
          </pattern>
        </defs>
        <rect
          className="clip-band"
          x={x(1 - clipRange)}
          width={x(1 + clipRange) - x(1 - clipRange)}
          y={TOP}
          height={height - BOTTOM - TOP}
        />
        <RatioAxis width={width} y={height - BOTTOM} clipRange={clipRange} />
        {y.ticks(4).map((tick) => (
          <g key={tick}>
            <line
              className="clip-grid"
              x1={PANEL_MARGIN.left}
              x2={width - PANEL_MARGIN.right}
              y1={y(tick)}
              y2={y(tick)}
            />
            <text className="clip-tick" x={PANEL_MARGIN.left - 6} y={y(tick) + 4} textAnchor="end">
              {signed(tick, 1)}
            </text>
          </g>
        ))}
        <path
          className="clip-unclipped"
          d={path(flat ? flat.map((r): [number, number] => [r, r * advantage]) : []) ?? undefined}
        />
        <path className="clip-objective" d={path(corners) ?? undefined} />
        {flat && (
          <FlatPart flat={flat} x={x} bottom={height - BOTTOM} hatch={hatch} level={y} sign={advantage} clipRange={clipRange} />
        )}
      </g>
      <g
        className="clip-point"
        role="slider"
        tabIndex={0}
        aria-label={`Probability ratio, ${advantage > 0 ? "A above 0" : "A below 0"}`}
        aria-valuemin={RATIO_MIN}
        aria-valuemax={RATIO_MAX}
        aria-valuenow={ratio}
        aria-valuetext={sliderText(point)}
        onKeyDown={press}
        transform={`translate(${x(ratio)} ${y(point.objective)})`}
      >
        <GradientArrow gradient={point.gradient} x={x(ratio)} width={width} below={advantage > 0} />
        <circle r="20" className="clip-hit" />
        <circle r="11" className="clip-halo" />
        <circle r="6" className="clip-dot" />
      </g>
    </svg>
  );
}

/** The hatched stretch where moving the ratio changes nothing, with its name. */
function FlatPart(props: {
  flat: [number, number];
  x: (r: number) => number;
  level: (objective: number) => number;
  bottom: number;
  hatch: string;
  sign: number;
  clipRange: number;
}) {
  const [low, high] = props.flat;
  const left = props.x(low);
  const right = props.x(high);
  const objective = clipPoint(props.sign > 0 ? high : low, props.sign, props.clipRange).objective;
  const labelAtEnd = props.sign > 0;
  return (
    <>
      <rect
        x={left}
        width={Math.max(0, right - left)}
        y={props.bottom - 8}
        height={8}
        fill={`url(#${props.hatch})`}
      />
      <text
        className="clip-flat-name"
        x={labelAtEnd ? right : left + 6}
        textAnchor={labelAtEnd ? "end" : "start"}
        y={props.level(objective) + 20}
      >
        no gradient
      </text>
    </>
  );
}

/** ∂L/∂r as an arrow along the ratio axis; where there is none, a word instead of an arrow. */
function GradientArrow(props: { gradient: number; x: number; width: number; below: boolean }) {
  const { gradient, x, width } = props;
  if (gradient === 0) return null;
  const room = gradient > 0 ? width - PANEL_MARGIN.right - x : x - PANEL_MARGIN.left;
  const length = Math.abs(gradient) * ARROW_SCALE;
  const direction = Math.sign(gradient);
  const tip = direction * (14 + length);
  // Near the edge the label goes to the other side of the point; the arrow itself may overhang.
  const labelX = room > length + 70 ? tip + direction * 6 : -direction * 18;
  const anchor = labelX > 0 ? "start" : "end";
  return (
    <g className={gradient > 0 ? "clip-arrow positive" : "clip-arrow negative"} aria-hidden="true">
      <line x1={direction * 12} x2={tip} y1="0" y2="0" />
      <path d={`M${tip} 0l${-direction * 8} -5v10Z`} />
      <text x={labelX} y={4} textAnchor={anchor}>
        {withSign(gradient, 2)}
      </text>
    </g>
  );
}

/** The axis of ratios with the edges of the band named; shared with the histogram. */
export function RatioAxis(props: { width: number; y: number; clipRange: number }) {
  const { width, y, clipRange } = props;
  const x = ratioScale(width);
  const edges = [1 - clipRange, 1 + clipRange];
  const spaced = x.ticks(width < 360 ? 4 : 6).filter((t) =>
    // A tick that would run into an edge's own label gives way to it.
    edges.every((edge) => Math.abs(x(edge) - x(t)) > 24),
  );
  return (
    <g>
      <line
        className="clip-axis"
        x1={PANEL_MARGIN.left}
        x2={width - PANEL_MARGIN.right}
        y1={y}
        y2={y}
      />
      {spaced.map((tick) => (
        <text key={tick} className="clip-tick" x={x(tick)} y={y + 17} textAnchor="middle">
          {tick.toFixed(1)}
        </text>
      ))}
      {edges.map((edge) => (
        <g key={edge}>
          <line className="clip-edge" x1={x(edge)} x2={x(edge)} y1={y} y2={y + 5} />
          <text className="clip-edge-name" x={x(edge)} y={y + 17} textAnchor="middle">
            {edge.toFixed(2)}
          </text>
        </g>
      ))}
      <text
        className="clip-axis-name"
        x={(PANEL_MARGIN.left + width - PANEL_MARGIN.right) / 2}
        y={y + 34}
        textAnchor="middle"
      >
        probability ratio r
      </text>
    </g>
  );
}

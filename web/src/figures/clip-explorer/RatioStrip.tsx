/**
 * The ratios of a run's update as a histogram on the explorer's own ratio axis, one epoch at a time.
 *
 * Bars inside 1 ± ε are plain; bars outside are hatched and outlined, so that the difference does
 * not rest on hue. What lies beyond the axis is counted at its edge and said in words.
 */

import { scaleLinear } from "d3-scale";
import { useId } from "react";
import { type Bin, bandShares } from "./histogram";
import { PANEL_MARGIN, ratioScale } from "./ObjectivePanel";
import { RATIO_MAX, RATIO_MIN } from "./state";
import { histogramSentence } from "./words";

const TOP = 6;

interface RatioStripProps {
  bins: Bin[];
  clipRange: number;
  epoch: number;
  epochs: number;
  width: number;
  height: number;
  /** the count that fills the height */
  peak: number;
}

export function RatioStrip(props: RatioStripProps) {
  const { bins, clipRange, epoch, epochs, width, height, peak } = props;
  const hatch = useId();
  const x = ratioScale(width);
  const base = height - 1;
  const y = scaleLinear().domain([0, Math.max(peak, 1)]).range([0, base - TOP]);
  const shares = bandShares(bins, clipRange);
  const low = x(1 - clipRange);
  const high = x(1 + clipRange);
  return (
    <svg
      className="clip-strip"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={histogramSentence(shares, epoch, epochs)}
    >
      <defs>
        <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse">
          <rect width="5" height="5" className="clip-outside-ground" />
          <path d="M-1 6 6 -1" className="clip-outside-hatch" />
        </pattern>
      </defs>
      <rect className="clip-band" x={low} width={high - low} y={0} height={base} />
      {bins.map((bin) => {
        const left = x(Math.max(bin.low, RATIO_MIN));
        const right = x(Math.min(bin.high, RATIO_MAX));
        const middle = (bin.low + bin.high) / 2;
        const outside = Math.abs(middle - 1) > clipRange;
        if (right <= left || bin.count === 0) return null;
        return (
          <rect
            key={bin.low}
            className={outside ? "clip-bar outside" : "clip-bar"}
            fill={outside ? `url(#${hatch})` : undefined}
            x={left + 0.5}
            width={Math.max(right - left - 1, 0.5)}
            y={base - y(bin.count)}
            height={y(bin.count)}
          />
        );
      })}
      <line
        className="clip-axis"
        x1={PANEL_MARGIN.left}
        x2={width - PANEL_MARGIN.right}
        y1={base}
        y2={base}
      />
    </svg>
  );
}

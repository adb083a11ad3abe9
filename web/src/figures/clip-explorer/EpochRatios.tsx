/**
 * A run's ratios under the objective: the histogram of one epoch, a slider over the epochs of the
 * update, and what left the band. In the first minibatch every ratio is 1, for the policy has not
 * moved; over the epochs the ratios spread and leak past 1 ± ε, because the clip takes away the
 * incentive to go further and not the possibility.
 */

import type { RunRatios } from "./ClipExplorer";
import { bandShares, binsOf, outsideWithGradient } from "./histogram";
import { RatioStrip } from "./RatioStrip";
import { percent } from "./words";

interface EpochRatiosProps {
  ratios: RunRatios | null;
  noRatios: string;
  clipRange: number;
  epoch: number | null;
  onEpoch: (epoch: number) => void;
  width: number;
  compact?: boolean;
}

export function EpochRatios(props: EpochRatiosProps) {
  const { ratios, clipRange, onEpoch, width, compact } = props;
  const epochs = ratios?.histogram.counts.length ?? 0;
  if (!ratios || epochs === 0) return <p className="clip-no-ratios">{props.noRatios}</p>;

  const epoch = Math.min(props.epoch ?? epochs - 1, epochs - 1);
  const bins = binsOf(ratios.histogram, epoch);
  const shares = bandShares(bins, clipRange);
  const outside = shares.below + shares.above;
  const peak = Math.max(...ratios.histogram.counts.flat());
  const split =
    ratios.positive && ratios.negative
      ? outsideWithGradient(binsOf(ratios.positive, epoch), binsOf(ratios.negative, epoch), clipRange)
      : null;
  const stripWidth = Math.min(width, 680);

  return (
    <section className="clip-ratios" aria-label="Ratios of a real update">
      <div className="clip-ratios-head">
        <h3>Ratios of a real update</h3>
        <p>
          {ratios.title}, step {ratios.histogram.step.toLocaleString("en")}
          {ratios.clipRange !== null && `, trained with ε = ${ratios.clipRange.toFixed(2)}`}
        </p>
      </div>
      <RatioStrip
        bins={bins}
        clipRange={clipRange}
        epoch={epoch}
        epochs={epochs}
        width={stripWidth}
        height={compact ? 64 : 92}
        peak={peak}
      />
      <div className="clip-epoch">
        <label>
          <span>
            Epoch <span className="num">{epoch + 1}</span> of {epochs}
          </span>
          <input
            type="range"
            className="slider"
            min={1}
            max={epochs}
            step={1}
            value={epoch + 1}
            disabled={epochs < 2}
            onChange={(event) => onEpoch(Number(event.currentTarget.value) - 1)}
          />
        </label>
        <p className="clip-outside-share" aria-live="polite">
          <svg width="12" height="12" aria-hidden="true">
            <rect x="1" y="1" width="10" height="10" className="clip-outside-mark" />
          </svg>
          <strong className="num">{percent(outside, shares.total)}</strong> outside 1 ± ε
          {!compact && (
            <>
              {" "}
              (<span className="num">{percent(shares.below, shares.total)}</span> below,{" "}
              <span className="num">{percent(shares.above, shares.total)}</span> above)
            </>
          )}
        </p>
      </div>
      {!compact && (
        <p className="clip-note">
          {split
            ? split.outside < 0.5
              ? "No sample has left the band in this epoch."
              : `Of the samples outside, ${percent(split.withGradient, split.outside)} still have a gradient: they went the wrong way, and it pulls them back.`
            : "This run did not record the ratios by the sign of the advantage, so how many of the samples outside still have a gradient cannot be told."}
          {shares.blur > 0 &&
            ` An edge of the band cuts bins that hold ${percent(shares.blur, shares.total)} of the samples; those are shared out by width.`}
        </p>
      )}
    </section>
  );
}

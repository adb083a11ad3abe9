/**
 * A run's ratios under the objective, on the same axis: the histogram of one epoch of one update, a
 * slider over the epochs, one over the run's updates, and what left the band.
 *
 * In the first minibatch every ratio is 1, for the policy has not moved; over the epochs the ratios
 * spread and leak past 1 ± ε, because the clip takes away the incentive to go further and not the
 * possibility. Where the run recorded the ratios by the sign of the advantage and both panels stand
 * side by side, each panel has its own samples under it.
 */

import type { RunRatios } from "./ClipExplorer";
import { type Bin, bandShares, binsOf, outsideWithGradient } from "./histogram";
import { Range } from "./Range";
import { RatioStrip } from "./RatioStrip";
import type { ClipState } from "./state";
import { percent } from "./words";

interface EpochRatiosProps {
  ratios: RunRatios | null;
  noRatios: string;
  clipRange: number;
  epoch: number | null;
  onChange: (change: Pick<ClipState, "epoch"> | Pick<ClipState, "step">) => void;
  panelWidth: number;
  wide: boolean;
  compact?: boolean;
}

export function EpochRatios(props: EpochRatiosProps) {
  const { ratios, clipRange, onChange, panelWidth, wide, compact } = props;
  const epochs = ratios?.histogram.counts.length ?? 0;
  if (!ratios || epochs === 0) return <p className="clip-no-ratios">{props.noRatios}</p>;

  const epoch = Math.min(props.epoch ?? epochs - 1, epochs - 1);
  const { histogram, positive, negative, steps, live } = ratios;
  const split = positive && negative ? [positive, negative] : null;
  const strips = wide && split ? split : [histogram];
  // Scaled to this epoch's own tallest bar: in the first one nearly all samples share a single bar,
  // beside which the spread of the later ones would be too flat to see.
  const peak = Math.max(...strips.flatMap((strip) => strip.counts[epoch] ?? []));

  return (
    <section className="clip-ratios" aria-label="Ratios of a real update">
      <div className="clip-ratios-head">
        <h2>Ratios of a real update</h2>
        <p>
          {ratios.title}
          {ratios.clipRange !== null && `, trained with ε = ${ratios.clipRange.toFixed(2)}`}
        </p>
      </div>
      <div className="clip-ratios-body">
        {strips.map((strip, i) => (
          <RatioStrip
            key={i}
            bins={binsOf(strip, epoch)}
            clipRange={clipRange}
            epoch={epoch}
            epochs={epochs}
            width={panelWidth}
            height={compact ? 56 : 78}
            peak={peak}
          />
        ))}
        <div className="clip-epoch">
          <Range
            label="Epoch"
            words={`${epoch + 1} of ${epochs}`}
            value={epoch + 1}
            low={1}
            high={epochs}
            onChange={(value) => onChange({ epoch: value - 1 })}
          />
          {!compact && (
            <Range
              label="Update at step"
              words={histogram.step.toLocaleString("en")}
              value={Math.max(0, steps.lastIndexOf(histogram.step))}
              low={0}
              high={steps.length - 1}
              // The last position follows a live run instead of naming a step.
              onChange={(i) =>
                onChange({ step: live && i === steps.length - 1 ? null : (steps[i] ?? null) })
              }
            />
          )}
          <Shares bins={binsOf(histogram, epoch)} clipRange={clipRange} long={!compact} />
          {!compact && (
            <p className="clip-note">
              {split ? leakWords(split.map((part) => binsOf(part, epoch)), clipRange) : NO_SPLIT}
              {beyondWords(binsOf(histogram, epoch))}
            </p>
          )}
        </div>
      </div>
    </section>
  );
}

const NO_SPLIT =
  "This run did not record the ratios by the sign of the advantage, so how many of the samples outside still have a gradient cannot be told.";

function leakWords(split: Bin[][], clipRange: number): string {
  const leak = outsideWithGradient(split[0] ?? [], split[1] ?? [], clipRange);
  if (leak.outside < 0.5) return "No sample has left the band in this epoch.";
  return `Of the samples outside, ${percent(leak.withGradient, leak.outside)} still have a gradient: they went the wrong way, and it pulls them back.`;
}

function Shares({ bins, clipRange, long }: { bins: Bin[]; clipRange: number; long: boolean }) {
  const shares = bandShares(bins, clipRange);
  return (
    <p className="clip-outside-share">
      <svg width="12" height="12" aria-hidden="true">
        <rect x="1" y="1" width="10" height="10" className="clip-outside-mark" />
      </svg>
      <strong className="num">{percent(shares.below + shares.above, shares.total)}</strong> outside
      1 ± ε
      {long && (
        <>
          {" "}
          (<span className="num">{percent(shares.below, shares.total)}</span> below,{" "}
          <span className="num">{percent(shares.above, shares.total)}</span> above)
        </>
      )}
      {long && shares.blur > 0 && (
        <span className="clip-note">
          {" "}
          An edge of the band cuts bins that hold {percent(shares.blur, shares.total)} of the
          samples; those are shared out by width.
        </span>
      )}
    </p>
  );
}

/** The outermost bars stand for everything beyond them, which their place on the axis hides. */
function beyondWords(bins: Bin[]): string {
  const first = bins[0];
  const last = bins.at(-1);
  if (!first || !last || first.count + last.count === 0) return "";
  return ` The outermost bars also hold what lies below ${first.low.toFixed(2)} and above ${last.high.toFixed(2)}.`;
}

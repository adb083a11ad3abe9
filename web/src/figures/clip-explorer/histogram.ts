/**
 * Shares read off a histogram of ratios: how many samples left the band 1 ± ε, and how many of those
 * still have a gradient.
 *
 * A histogram has `counts[rows][bins]`, one row per epoch, on equal bins of [low, high]; the first
 * and last bins also hold everything beyond the edges. A bin that the edge of the band cuts is
 * shared out in proportion to its width, so that every share is exact only up to one bin; `blur`
 * says how much the cut bins hold.
 */

/** A `histogram` event of a run, as the feed delivers it. */
export interface RatioHistogramData {
  low: number;
  high: number;
  counts: number[][];
  /** the environment step at which the update was made */
  step: number;
}

export interface BandShares {
  total: number;
  below: number;
  inside: number;
  above: number;
  /** samples in bins that an edge of the band cuts: the uncertainty of the other figures */
  blur: number;
}

export interface Bin {
  low: number;
  high: number;
  count: number;
}

/** One epoch's row as bins with edges. */
export function binsOf(data: RatioHistogramData, epoch: number): Bin[] {
  const row = data.counts[epoch] ?? [];
  const width = (data.high - data.low) / row.length;
  return row.map((count, i) => ({
    low: data.low + i * width,
    high: data.low + (i + 1) * width,
    count,
  }));
}

/** Part of [a, b] that lies on [low, high], from 0 to 1. */
function overlap(a: number, b: number, low: number, high: number): number {
  return Math.max(0, Math.min(b, high) - Math.max(a, low)) / (b - a);
}

// Bin edges such as 0.8 and 1 − 0.2 differ in the last bit; an edge this near cuts nothing.
const EDGE_TOLERANCE = 1e-9;

/** Count the samples below, inside and above the band 1 ± ε. */
export function bandShares(bins: Bin[], clipRange: number): BandShares {
  const low = 1 - clipRange;
  const high = 1 + clipRange;
  const shares: BandShares = { total: 0, below: 0, inside: 0, above: 0, blur: 0 };
  for (const bin of bins) {
    const below = overlap(bin.low, bin.high, -Infinity, low);
    const above = overlap(bin.low, bin.high, high, Infinity);
    const isCut = [below, above].some((x) => x > EDGE_TOLERANCE && x < 1 - EDGE_TOLERANCE);
    shares.total += bin.count;
    shares.below += bin.count * below;
    shares.above += bin.count * above;
    shares.inside += bin.count * (1 - below - above);
    if (isCut) shares.blur += bin.count;
  }
  return shares;
}

/**
 * How many samples outside the band still have a gradient, given the histogram of the samples with
 * A > 0 and that of the samples with A < 0.
 *
 * The clip acts on one side only: A > 0 loses its gradient above 1+ε, A < 0 below 1−ε. Outside on
 * the other side the minimum picks the unclipped term, which pulls the ratio back.
 */
export function outsideWithGradient(
  positive: Bin[],
  negative: Bin[],
  clipRange: number,
): { outside: number; withGradient: number; total: number } {
  const up = bandShares(positive, clipRange);
  const down = bandShares(negative, clipRange);
  return {
    total: up.total + down.total,
    outside: up.below + up.above + down.below + down.above,
    withGradient: up.below + down.above,
  };
}

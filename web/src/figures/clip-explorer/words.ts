/** Everything the explorer says in words: for the readout, the figure's name and the slider. */

import type { ClipPoint } from "./clip";
import type { BandShares } from "./histogram";

/** A number with a true minus sign and no negative zero. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

export function withSign(value: number, digits = 2): string {
  return value > 0 ? `+${signed(value, digits)}` : signed(value, digits);
}

/** Why the objective is what it is at this point, in one sentence. */
export function whyHere(p: ClipPoint): string {
  const low = signed(1 - p.clipRange);
  const high = signed(1 + p.clipRange);
  if (p.branch === "both") {
    return `The ratio lies inside ${low} to ${high}, so both terms are equal and the gradient is A.`;
  }
  if (p.advantage > 0) {
    return p.clipped
      ? `The ratio is above 1+ε = ${high}: the action is already favoured enough, the bound is the smaller term, and the gradient is zero.`
      : `The ratio is below 1−ε = ${low}, but the action was good: the unclipped term is the smaller one, and its gradient pulls the ratio back up.`;
  }
  return p.clipped
    ? `The ratio is below 1−ε = ${low}: the action is already avoided enough, the bound is the smaller term, and the gradient is zero.`
    : `The ratio is above 1+ε = ${high}, but the action was bad: the unclipped term is the smaller one, and its gradient pushes the ratio back down.`;
}

export function branchName(p: ClipPoint): string {
  if (p.branch === "both") return "Both terms are equal";
  return p.branch === "clipped" ? "The clipped term decides" : "The unclipped term decides";
}

export function gradientName(p: ClipPoint): string {
  if (p.gradient === 0) return "no gradient";
  return p.gradient > 0 ? "gradient raises r" : "gradient lowers r";
}

/** What one panel shows now, for a screen reader. */
export function panelSentence(p: ClipPoint): string {
  const kind = p.advantage > 0 ? "better than expected (A > 0)" : "worse than expected (A < 0)";
  const flat =
    p.advantage > 0
      ? `flat above ${signed(1 + p.clipRange)}`
      : `flat below ${signed(1 - p.clipRange)}`;
  return (
    `Clipped objective against the ratio for an action that was ${kind}: ${flat}. ` +
    `At ratio ${signed(p.ratio)} the objective is ${signed(p.objective)}, ${gradientName(p)}.`
  );
}

/** aria-valuetext of the draggable point. */
export function sliderText(p: ClipPoint): string {
  return `ratio ${signed(p.ratio)}, objective ${signed(p.objective)}, ${gradientName(p)}`;
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** What the histogram shows now, for a screen reader. */
export function histogramSentence(shares: BandShares, epoch: number, epochs: number): string {
  if (shares.total === 0) return "No ratios were recorded in this epoch.";
  return (
    `Ratios of ${Math.round(shares.total).toLocaleString("en")} samples in epoch ${epoch + 1} of ${epochs}: ` +
    `${percent(shares.below, shares.total)} below the band, ` +
    `${percent(shares.inside, shares.total)} inside, ${percent(shares.above, shares.total)} above.`
  );
}

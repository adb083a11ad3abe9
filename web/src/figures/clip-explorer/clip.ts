/**
 * The arithmetic of PPO's clipped objective for one sample, and of a histogram of ratios.
 *
 *   L(r) = min(r·A, clip(r, 1−ε, 1+ε)·A)
 *
 * `tests/golden/clip.json`, written by the engine's own loss and its autograd, pins these functions
 * to what the trainer computes. Source: Schulman et al. 2017, "Proximal Policy Optimization
 * Algorithms", equation 7.
 */

/** Which of the two terms of the minimum decides. */
export type Branch = "both" | "unclipped" | "clipped";

/** One sample under the clipped objective. */
export interface ClipPoint {
  ratio: number;
  advantage: number;
  clipRange: number;
  /** r·A */
  unclipped: number;
  /** clip(r, 1−ε, 1+ε)·A */
  clippedTerm: number;
  /** min of the two: what PPO maximises */
  objective: number;
  /** ∂L/∂r: A where the ratio still decides, 0 where the bound does */
  gradient: number;
  /** the bound decides, so that the sample pushes the policy nowhere */
  clipped: boolean;
  branch: Branch;
}

export function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

/** Evaluate the clipped objective and its derivative at one ratio. */
export function clipPoint(ratio: number, advantage: number, clipRange: number): ClipPoint {
  const bounded = clamp(ratio, 1 - clipRange, 1 + clipRange);
  const unclipped = ratio * advantage;
  const clippedTerm = bounded * advantage;
  // Strictly smaller: at the edge itself the two terms are equal and the gradient still flows, as
  // in autograd.
  const clipped = clippedTerm < unclipped;
  const branch: Branch =
    clippedTerm === unclipped ? "both" : clipped ? "clipped" : "unclipped";
  return {
    ratio,
    advantage,
    clipRange,
    unclipped,
    clippedTerm,
    objective: Math.min(unclipped, clippedTerm),
    gradient: clipped ? 0 : advantage,
    clipped,
    branch,
  };
}

/**
 * The interval of ratios on which a sample of this advantage has no gradient.
 * `null` for A = 0, where there is no gradient anywhere to lose.
 */
export function flatPart(
  advantage: number,
  clipRange: number,
  low: number,
  high: number,
): [number, number] | null {
  if (advantage > 0) return [Math.min(1 + clipRange, high), high];
  if (advantage < 0) return [low, Math.max(1 - clipRange, low)];
  return null;
}

/** The corners of L(r) on [low, high]: enough to draw it exactly, as it is piecewise linear. */
export function objectiveCorners(
  advantage: number,
  clipRange: number,
  low: number,
  high: number,
): Array<[number, number]> {
  const corner = advantage >= 0 ? 1 + clipRange : 1 - clipRange;
  const ratios = [low, corner, high].filter((r) => r >= low && r <= high);
  return ratios.map((r) => [r, clipPoint(r, advantage, clipRange).objective]);
}

/** The explorer's whole state as one value, and its form in a URL. */

import { clamp } from "./clip";

export interface ClipState {
  /** probability ratio r of the sample */
  ratio: number;
  /** advantage A of the sample, −1 to 1 and not 0; its sign picks the panel */
  advantage: number;
  /** ε */
  clipRange: number;
  /** run whose ratios lie under the figure; null shows the newest one with ratios */
  run: string | null;
  /** environment step of the update whose ratios are shown; null lets the run decide */
  step: number | null;
  /** which epoch of the update, from 0; null is the last */
  epoch: number | null;
}

// Symmetric around 1 and wide enough for the largest ε, so that the axis never has to move.
export const RATIO_MIN = 0.4;
export const RATIO_MAX = 1.6;
export const RATIO_STEP = 0.01;
export const CLIP_MIN = 0.05;
export const CLIP_MAX = 0.5;
export const CLIP_STEP = 0.01;
export const ADVANTAGE_MIN = 0.2;
export const ADVANTAGE_MAX = 1;
export const ADVANTAGE_STEP = 0.05;

export const DEFAULT_STATE: ClipState = {
  ratio: 1.3,
  advantage: 1,
  clipRange: 0.2,
  run: null,
  step: null,
  epoch: null,
};

/** What a URL or a lesson's directive may carry; anything else is left out. */
export interface ClipSearch {
  ratio?: number;
  advantage?: number;
  eps?: number;
  run?: string;
  step?: number;
  epoch?: number;
}

function finite(raw: unknown): number | undefined {
  if (raw === "" || raw === null || raw === undefined || typeof raw === "boolean") return undefined;
  const value = Number(raw);
  return Number.isFinite(value) ? value : undefined;
}

/** Round away the noise of repeated additions of a step. */
export function tidy(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** Keep the sign, bring the size into the range the figure draws. */
export function boundedAdvantage(advantage: number): number {
  const size = clamp(Math.abs(advantage), ADVANTAGE_MIN, ADVANTAGE_MAX);
  return tidy(advantage < 0 ? -size : size);
}

/**
 * Read a search object or a directive's attributes; what cannot be used is left out, so that the
 * default holds. A lesson may write `sign="-1"` for an advantage of −1.
 */
export function readSearch(raw: Record<string, unknown>): ClipSearch {
  const ratio = finite(raw.ratio);
  const advantage = finite(raw.advantage) ?? finite(raw.sign);
  const eps = finite(raw.eps ?? raw.clip_range);
  const step = finite(raw.step);
  const epoch = finite(raw.epoch);
  return {
    ...(ratio !== undefined && { ratio: tidy(clamp(ratio, RATIO_MIN, RATIO_MAX)) }),
    ...(advantage !== undefined && advantage !== 0 && { advantage: boundedAdvantage(advantage) }),
    ...(eps !== undefined && { eps: tidy(clamp(eps, CLIP_MIN, CLIP_MAX)) }),
    ...(typeof raw.run === "string" && raw.run !== "" && { run: raw.run }),
    ...(step !== undefined && step >= 0 && { step: Math.floor(step) }),
    ...(epoch !== undefined && epoch >= 0 && { epoch: Math.floor(epoch) }),
  };
}

export function fromSearch(search: ClipSearch): ClipState {
  return {
    ratio: search.ratio ?? DEFAULT_STATE.ratio,
    advantage: search.advantage ?? DEFAULT_STATE.advantage,
    clipRange: search.eps ?? DEFAULT_STATE.clipRange,
    run: search.run ?? null,
    step: search.step ?? null,
    epoch: search.epoch ?? null,
  };
}

/** The state as a search object, without what equals the default, so that links stay short. */
export function toSearch(state: ClipState): ClipSearch {
  return {
    ...(state.ratio !== DEFAULT_STATE.ratio && { ratio: tidy(state.ratio) }),
    ...(state.advantage !== DEFAULT_STATE.advantage && { advantage: tidy(state.advantage) }),
    ...(state.clipRange !== DEFAULT_STATE.clipRange && { eps: tidy(state.clipRange) }),
    ...(state.run !== null && { run: state.run }),
    ...(state.step !== null && { step: state.step }),
    ...(state.epoch !== null && { epoch: state.epoch }),
  };
}

/** The ratio after a key press on the point, or null when the key is not ours. */
export function ratioAfterKey(ratio: number, key: string, shift: boolean): number | null {
  const step = shift ? RATIO_STEP * 10 : RATIO_STEP;
  const moves: Record<string, number> = {
    ArrowRight: ratio + step,
    ArrowUp: ratio + step,
    ArrowLeft: ratio - step,
    ArrowDown: ratio - step,
    PageUp: ratio + 0.1,
    PageDown: ratio - 0.1,
    Home: RATIO_MIN,
    End: RATIO_MAX,
  };
  const next = moves[key];
  return next === undefined ? null : tidy(clamp(next, RATIO_MIN, RATIO_MAX));
}

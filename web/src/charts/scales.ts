/** The plot's margins in pixels: room for the tick labels, never scaled. */
export interface Margins {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/**
 * The end of a growing step axis: the first of 1, 1.5, 2, 3, 4, 5, 6, 8 × 10ᵏ that covers `step`,
 * so that the axis stands still between rare jumps instead of sliding with each point. It never
 * passes the planned end of the run, unless the run did.
 */
export function stepAxisEnd(step: number, planned = Number.POSITIVE_INFINITY): number {
  return Math.min(roundStepAbove(step), Math.max(planned, step));
}

function roundStepAbove(step: number): number {
  if (!(step > 0)) return 1000;
  const power = 10 ** Math.floor(Math.log10(step));
  for (const factor of [1, 1.5, 2, 3, 4, 5, 6, 8, 10]) {
    if (factor * power >= step) return factor * power;
  }
  return 10 * power;
}

/**
 * The range of values an axis shows: the data's, the reference line's when there is one, and some
 * air. A flat series gets a band around its value, an empty one [0, 1].
 */
export function valueRange(
  min: number,
  max: number,
  reference?: number | null,
): [number, number] {
  let low = min;
  let high = max;
  if (reference != null) {
    low = Math.min(low, reference);
    high = Math.max(high, reference);
  }
  if (!(low <= high)) return [0, 1];
  if (low === high) {
    const half = Math.abs(low) * 0.1 || 0.5;
    return [low - half, high + half];
  }
  const air = (high - low) * 0.06;
  // Quantities that start at zero keep zero as their floor.
  return [low >= 0 && low - air < 0 ? 0 : low - air, high + air];
}

/** A number as short as it can be said: 475, 0.0123, 1.2e-5, 20.5k for steps. */
export function shortNumber(value: number | null | undefined): string {
  return value == null || Number.isNaN(value) ? "–" : withMinus(shortDigits(value));
}

/** The sign as typography writes it; a hyphen is too short and breaks lines. */
export function withMinus(digits: string): string {
  return digits.replaceAll("-", "−");
}

function shortDigits(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100_000) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size >= 100) return value.toFixed(1).replace(/\.0$/, "");
  if (size >= 1) return value.toFixed(2);
  if (size >= 0.001) return value.toFixed(4);
  return value.toExponential(1);
}

/** A step on an axis: 0, 500, 20k, 1.5M. */
export function shortStep(step: number): string {
  if (step >= 1_000_000) return `${trim(step / 1_000_000)}M`;
  if (step >= 1000) return `${trim(step / 1000)}k`;
  return String(Math.round(step));
}

/** A tick label on a value axis, with as many places as the distance of ticks needs. */
export function tickLabel(value: number, distance: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 10_000) return withMinus(`${trim(value / 1000)}k`);
  if (size < 1e-3 && distance < 1e-3) return withMinus(value.toExponential(0));
  const places = Math.max(0, Math.min(4, Math.ceil(-Math.log10(distance) - 1e-9)));
  return withMinus(value.toFixed(places));
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

import { shortNumber, tickLabel, withMinus } from "../charts/scales";
import type { Wire } from "../api/client";

export type MetricInfo = Wire["MetricInfo"];

/** The metric a run is judged by; it gets the largest chart. */
export const MAIN_METRIC = "return_mean_100";

/** The metrics beside it, in the order of the update: what the policy did, then the critic. */
export const SIDE_METRICS = [
  "policy_loss",
  "approx_kl",
  "clip_fraction",
  "entropy",
  "value_loss",
  "explained_variance",
] as const;

/** Find what is known of a metric; null when this run does not record it. */
export function metricInfo(run: Wire["RunDetail"] | null, key: string): MetricInfo | null {
  return run?.metrics.find((metric) => metric.key === key) ?? null;
}

/** How a metric's values are written on an axis; undefined for as they are. */
export function metricTick(key: string): ((value: number, distance: number) => string) | undefined {
  if (key !== "clip_fraction") return undefined;
  return (value, distance) => `${tickLabel(value * 100, distance * 100)} %`;
}

/** How a metric's values are written. */
export function metricFormat(key: string): (value: number | null | undefined) => string {
  if (key === "clip_fraction") {
    return (value) => (value == null || Number.isNaN(value) ? "–" : `${(value * 100).toFixed(1)} %`);
  }
  if (key === MAIN_METRIC) {
    return (value) => (value == null || Number.isNaN(value) ? "–" : withMinus(value.toFixed(1)));
  }
  return shortNumber;
}

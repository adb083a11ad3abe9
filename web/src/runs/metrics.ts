import { shortNumber, tickLabel, withMinus } from "../charts/scales";
import type { Wire } from "../api/client";

export type MetricInfo = Wire["MetricInfo"];

export type RunKind = Wire["RunSummary"]["kind"];

interface Shown {
  /** The metric a run is judged by; it gets the largest chart. */
  main: string;
  /** What the list of runs tells of a run, in words and as a metric. */
  verdict: { label: string; metric: string };
  /** The metrics beside the main one, in the order of the update: policy first, then critic. */
  side: readonly string[];
  /** What `side` is about, for the button that folds it. */
  sideWords: string;
}

const RETURN = "return_mean_100";

/** What is shown of each kind of run. */
export const SHOWN: Record<RunKind, Shown> = {
  control: {
    main: RETURN,
    verdict: { label: "mean return", metric: RETURN },
    side: ["policy_loss", "approx_kl", "clip_fraction", "entropy", "value_loss", "explained_variance"],
    sideWords: "Losses, KL, entropy and ratios",
  },
  sft: {
    main: "perplexity",
    verdict: { label: "perplexity", metric: "perplexity" },
    side: ["sft_loss", "sft_validation_loss", "gradient_norm", "learning_rate"],
    sideWords: "Losses and gradients",
  },
  "reward-model": {
    main: "rm_accuracy",
    verdict: { label: "accuracy", metric: "rm_accuracy" },
    side: ["rm_loss", "rm_train_loss", "rm_clear_accuracy", "rm_margin", "rm_spread", "rm_calibration_error", "learning_rate"],
    sideWords: "Losses, margins and calibration",
  },
  rlhf: {
    main: "reward",
    verdict: { label: "gold score", metric: "eval_gold" },
    side: [
      "eval_gold",
      "kl",
      "kl_coef",
      "response_length",
      "entropy",
      "eval_distinct_2",
      "clip_fraction",
      "approx_kl",
      "explained_variance",
      "learning_rate",
    ],
    sideWords: "Gold score, KL, length and diversity",
  },
  dpo: {
    main: "dpo_held_out_accuracy",
    verdict: { label: "gold score", metric: "eval_gold" },
    side: ["eval_gold", "eval_kl", "dpo_loss", "dpo_margin", "dpo_chosen", "dpo_rejected", "eval_distinct_2"],
    sideWords: "Gold score, KL and implied rewards",
  },
  "best-of-n": {
    main: "eval_gold",
    verdict: { label: "gold score", metric: "eval_gold" },
    side: ["eval_reward", "eval_kl", "eval_distinct_2", "eval_reference_nll"],
    sideWords: "Reward, KL and diversity",
  },
};

const SHARES = new Set(["clip_fraction", "rm_accuracy", "rm_clear_accuracy", "rm_calibration_error", "eval_distinct_2", "dpo_held_out_accuracy"]);

/** Find what is known of a metric; null when this run does not record it. */
export function metricInfo(run: Wire["RunDetail"] | null, key: string): MetricInfo | null {
  return run?.metrics.find((metric) => metric.key === key) ?? null;
}

/** How a metric's values are written on an axis; undefined for as they are. */
export function metricTick(key: string): ((value: number, distance: number) => string) | undefined {
  if (!SHARES.has(key)) return undefined;
  return (value, distance) => `${tickLabel(value * 100, distance * 100)} %`;
}

/** How a metric's values are written. */
export function metricFormat(key: string): (value: number | null | undefined) => string {
  if (SHARES.has(key)) {
    return (value) => (value == null || Number.isNaN(value) ? "–" : `${(value * 100).toFixed(1)} %`);
  }
  if (key === RETURN) {
    return (value) => (value == null || Number.isNaN(value) ? "–" : withMinus(value.toFixed(1)));
  }
  return shortNumber;
}

import type { Wire } from "../../api/client";
import { useFeed, useRun } from "../../runs/hooks";
import { isLive } from "../../runs/words";
import type { RunRatios } from "./ClipExplorer";
import type { RatioHistogramData } from "./histogram";

type Histogram = Wire["RunEvent"] | null | undefined;

/**
 * The ratio histograms of a run at a step, and words for when there are none. Without a step they are
 * the newest while the run goes, and those of the middle update once it has ended: at its end the
 * learning rate has often run out, and the last update shows nothing moving.
 */
export function useRunRatios(
  runId: string | null,
  step: number | null,
): { ratios: RunRatios | null; words: string } {
  const feed = useRun(runId);
  const snapshot = useFeed(feed);
  const steps = feed?.record.histograms.get("ratio")?.map((event) => event.step) ?? [];
  const live = snapshot.state !== null && isLive(snapshot.state);
  const shown = step ?? (live ? undefined : steps[Math.floor((steps.length - 1) / 2)]);
  const at = (name: string) => histogramOf(feed?.record.histogramAt(name, shown));
  const histogram = at("ratio");
  if (snapshot.run && histogram) {
    return {
      ratios: {
        title: runTitle(snapshot.run),
        histogram,
        positive: at("ratio_positive") ?? undefined,
        negative: at("ratio_negative") ?? undefined,
        clipRange: feed?.record.metricsAt(histogram.step).clip_range ?? null,
        steps,
        live,
      },
      words: "",
    };
  }
  if (snapshot.error) return { ratios: null, words: snapshot.error.detail };
  if (runId === null) {
    return { ratios: null, words: "No run has been made yet. Start one, and its ratios appear here." };
  }
  if (!snapshot.run || !snapshot.state) {
    return { ratios: null, words: "Fetching the run’s ratios…" };
  }
  const words = live
    ? "The run’s ratios appear here after its first update."
    : "This run recorded no ratios.";
  return { ratios: null, words };
}

export function runTitle(run: Wire["RunSummary"]): string {
  return `${run.environment}, ${run.recorded ? "recorded run" : "your run"}, seed ${run.seed}`;
}

/** Read a `histogram` event's data; null for anything that is not a sound histogram. */
export function histogramOf(event: Histogram): RatioHistogramData | null {
  if (!event) return null;
  const { low, high, counts } = event.data;
  const rows = Array.isArray(counts) ? (counts as unknown[]) : null;
  if (typeof low !== "number" || typeof high !== "number" || !rows || high <= low) return null;
  const sound = rows.every(
    (row) => Array.isArray(row) && row.every((count) => typeof count === "number"),
  );
  return sound ? { low, high, counts: rows as number[][], step: event.step } : null;
}

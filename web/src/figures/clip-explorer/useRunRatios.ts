import { useQuery } from "@tanstack/react-query";
import { answer, api, type Wire } from "../../api/client";
import { asProblem } from "../../api/problem";
import { runQuery } from "../../api/queries";
import type { RunRatios } from "./ClipExplorer";
import type { RatioHistogramData } from "./histogram";

const LIVE: Wire["RunDetail"]["state"][] = ["waiting", "starting", "running", "paused"];
const ASK_EVERY = 1000;

/** The newest ratio histograms of a run, followed while it goes, and words for when there is none. */
export function useRunRatios(runId: string | null): { ratios: RunRatios | null; words: string } {
  const details = useQuery({
    ...runQuery(runId ?? ""),
    enabled: runId !== null,
    refetchInterval: (query) => (isLive(query.state.data) ? ASK_EVERY : false),
  });
  const run = details.data;
  const folded = useQuery({
    queryKey: ["run", runId, "at", run?.step],
    queryFn: () =>
      answer(
        api.GET("/api/runs/{run_id}/at/{step}", {
          params: { path: { run_id: run?.id ?? "", step: run?.step ?? 0 } },
        }),
      ),
    enabled: run !== undefined && run.step > 0,
    placeholderData: (before) => before,
  });
  const histograms = folded.data?.histograms;
  const ratio = histogramOf(histograms?.ratio);
  if (run && ratio) {
    return {
      ratios: {
        title: runTitle(run),
        histogram: ratio,
        positive: histogramOf(histograms?.ratio_positive) ?? undefined,
        negative: histogramOf(histograms?.ratio_negative) ?? undefined,
      },
      words: "",
    };
  }
  const error = details.error ?? folded.error;
  return { ratios: null, words: error ? asProblem(error).detail : wordsFor(runId, run) };
}

function isLive(run: Wire["RunDetail"] | undefined): boolean {
  return run !== undefined && LIVE.includes(run.state);
}

function wordsFor(runId: string | null, run: Wire["RunDetail"] | undefined): string {
  if (runId === null) return "No run has been made yet. Start one, and its ratios appear here.";
  if (!run) return "Fetching the run’s ratios…";
  if (isLive(run)) return "The run’s ratios appear here after its first update.";
  return "This run recorded no ratios.";
}

export function runTitle(run: Wire["RunSummary"]): string {
  return `${run.environment}, ${run.recorded ? "recorded run" : "your run"}, seed ${run.seed}`;
}

/** Read a `histogram` event's data; null for anything else. */
export function histogramOf(event: Wire["RunEvent"] | undefined): RatioHistogramData | null {
  if (!event) return null;
  const { low, high, counts } = event.data;
  const rows = Array.isArray(counts) ? (counts as unknown[]) : null;
  if (typeof low !== "number" || typeof high !== "number" || !rows || high <= low) return null;
  const sound = rows.every(
    (row) => Array.isArray(row) && row.every((count) => typeof count === "number"),
  );
  return sound ? { low, high, counts: rows as number[][], step: event.step } : null;
}

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { answer, api, type Wire } from "../api/client";
import { type ApiProblem, asProblem } from "../api/problem";
import { runQuery, runsQuery } from "../api/queries";
import type { FeedSnapshot, RunFeed } from "./feed";
import { feedOf, holdFeed, releaseFeed } from "./feeds";
import { type HistogramData, histogramData } from "./record";

/** The feed of a run for as long as the component is shown; null without an id. */
export function useRun(id: string | null | undefined): RunFeed | null {
  useEffect(() => {
    if (!id) return;
    holdFeed(id);
    return () => releaseFeed(id);
  }, [id]);
  return useMemo(() => (id ? feedOf(id) : null), [id]);
}

const NOTHING: FeedSnapshot = {
  link: "opening",
  run: null,
  state: null,
  words: "opening…",
  step: 0,
  latest: {},
  settings: {},
  error: null,
  version: 0,
};
const noSubscription = () => () => undefined;
const nothing = () => NOTHING;

/** Words and numbers of a run, renewed at most four times a second. */
export function useFeed(feed: RunFeed | null): FeedSnapshot {
  return useSyncExternalStore(feed?.subscribe ?? noSubscription, feed?.getSnapshot ?? nothing);
}

/** A run as it stood at a step. */
export interface RunView {
  /** The step looked at; null follows the newest. */
  step: number | null;
  metrics: Record<string, number | null>;
  /** The newest ratio histogram, if one was recorded by then. */
  ratios: HistogramData | null;
  ratioStep: number | null;
  /** ε in force at that step. */
  clipRange: number | null;
}

/** What a run shows at `step`, or now when `step` is null. */
export function useRunView(feed: RunFeed | null, step: number | null): RunView {
  const snapshot = useFeed(feed);
  if (!feed) return { step, metrics: {}, ratios: null, ratioStep: null, clipRange: null };
  const metrics = step === null ? snapshot.latest : feed.record.metricsAt(step);
  const event = feed.record.histogramAt("ratio", step ?? undefined);
  return {
    step,
    metrics,
    ratios: event ? histogramData(event) : null,
    ratioStep: event?.step ?? null,
    clipRange: metrics.clip_range ?? snapshot.settings.clip_range ?? null,
  };
}

export type ControlAction = Wire["RunControl"]["action"];

export interface Controls {
  /** Ask the run to do something; the answer renews the feed. False when it was refused. */
  send: (action: ControlAction, setting?: { name: string; value: number }) => Promise<boolean>;
  /** Go on from the newest checkpoint of a run that no process works on. */
  resumeFromCheckpoint: () => Promise<boolean>;
  busy: boolean;
  error: ApiProblem | null;
}

/** The controls of a run. */
export function useRunControls(feed: RunFeed | null): Controls {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiProblem | null>(null);
  const client = useQueryClient();

  const ask = useCallback(
    async (call: (id: string) => Promise<Wire["RunDetail"]>) => {
      if (!feed) return false;
      setBusy(true);
      try {
        feed.update(await call(feed.id));
        feed.retryNow();
        setError(null);
        void client.invalidateQueries({ queryKey: runsQuery.queryKey });
        return true;
      } catch (thrown) {
        setError(asProblem(thrown));
        return false;
      } finally {
        setBusy(false);
      }
    },
    [feed, client],
  );

  const send: Controls["send"] = useCallback(
    (action, setting) =>
      ask((id) =>
        answer(
          api.POST("/api/runs/{run_id}/control", {
            params: { path: { run_id: id } },
            body: { action, name: setting?.name ?? null, value: setting?.value ?? null },
          }),
        ),
      ),
    [ask],
  );
  const resumeFromCheckpoint = useCallback(
    () =>
      ask((id) => answer(api.POST("/api/runs/{run_id}/resume", { params: { path: { run_id: id } } }))),
    [ask],
  );
  return { send, resumeFromCheckpoint, busy, error };
}

/** Start runs. */
export function useStartRun() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiProblem | null>(null);
  const client = useQueryClient();
  const start = useCallback(
    async (request: Wire["StartRun"]): Promise<Wire["RunDetail"] | null> => {
      setBusy(true);
      try {
        const run = await answer(api.POST("/api/runs", { body: request }));
        client.setQueryData(runQuery(run.id).queryKey, run);
        void client.invalidateQueries({ queryKey: runsQuery.queryKey });
        setError(null);
        return run;
      } catch (thrown) {
        setError(asProblem(thrown));
        return null;
      } finally {
        setBusy(false);
      }
    },
    [client],
  );
  return { start, busy, error };
}

import { QueryClient, queryOptions } from "@tanstack/react-query";

import { answer, api } from "./client";
import { ApiProblem } from "./problem";

/** Caches what the server said. The banner, not the cache, deals with a server that is gone. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => error instanceof ApiProblem && error.serverGone && count < 2,
      refetchOnWindowFocus: false,
    },
    mutations: { retry: false },
  },
});

export const courseQuery = queryOptions({
  queryKey: ["course"],
  queryFn: () => answer(api.GET("/api/course")),
});

export const runsQuery = queryOptions({
  queryKey: ["runs"],
  queryFn: () => answer(api.GET("/api/runs")),
});

export const presetsQuery = queryOptions({
  queryKey: ["presets"],
  queryFn: () => answer(api.GET("/api/presets")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The episodes recorded of a run's policy, without their steps. */
export const episodesQuery = (run: string) =>
  queryOptions({
    queryKey: ["episodes", run],
    queryFn: () => answer(api.GET("/api/runs/{run_id}/episodes", { params: { path: { run_id: run } } })),
    refetchOnWindowFocus: true, // they are recorded in a terminal, away from the page
  });

/** One recorded episode, step by step. */
export const episodeQuery = (run: string, name: string) =>
  queryOptions({
    queryKey: ["episodes", run, name],
    queryFn: () =>
      answer(api.GET("/api/runs/{run_id}/episodes/{name}", { params: { path: { run_id: run, name } } })),
  });

/** The stages of RLHF that a run belongs to. */
export const stagesQuery = (run: string) =>
  queryOptions({
    queryKey: ["stages", run],
    queryFn: () => answer(api.GET("/api/runs/{run_id}/stages", { params: { path: { run_id: run } } })),
  });

/** One run's details, asked once; a RunFeed follows it after that. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: () => answer(api.GET("/api/runs/{run_id}", { params: { path: { run_id: id } } })),
  });

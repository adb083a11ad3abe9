import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../api/client";

export const challengeQuery = (slug: string) =>
  queryOptions({
    queryKey: ["challenge", slug],
    queryFn: () => answer(api.GET("/api/challenges/{slug}", { params: { path: { slug } } })),
    // The editor opens with its draft once; asking again must not touch what is being written.
    staleTime: 5 * 60_000,
  });

export const attemptsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["attempts", slug],
    queryFn: () =>
      answer(api.GET("/api/challenges/{slug}/attempts", { params: { path: { slug } } })),
  });

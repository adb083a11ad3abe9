import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../api/client";

/** One lesson. It is kept fresh, since only this page changes what belongs to the learner. */
export const lessonQuery = (chapter: string, slug: string) =>
  queryOptions({
    queryKey: ["lesson", chapter, slug],
    queryFn: () =>
      answer(api.GET("/api/lessons/{chapter}/{slug}", { params: { path: { chapter, slug } } })),
    staleTime: 5 * 60_000,
  });

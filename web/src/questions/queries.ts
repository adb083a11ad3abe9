import { queryOptions } from "@tanstack/react-query";
import { answer, api, type Wire } from "../api/client";

export type Question = Wire["Question"];
export type Outcome = NonNullable<Question["outcome"]>;
export type AnswerValue = Wire["GiveAnswer"]["answer"];

/** The questions of a chapter. Kept fresh, since only this page changes them. */
export const questionsQuery = (chapter: string) =>
  queryOptions({
    queryKey: ["questions", chapter],
    queryFn: () => answer(api.GET("/api/chapters/{chapter}/questions", { params: { path: { chapter } } })),
    staleTime: 5 * 60_000,
  });

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { answer, api } from "../api/client";
import { courseQuery } from "../api/queries";
import { usePage } from "../app/page";
import { loadTex } from "../ui/math/Tex";
import { ProblemNotice } from "../ui/ProblemNotice";
import type { Lesson } from "./ast";
import { LessonView } from "./LessonView";
import { lessonQuery } from "./queries";

/** The page at /learn/$chapter/$slug: fetches a lesson and shows it. */
export default function LessonPage() {
  const { chapter, slug } = useParams({ from: "/learn/$chapter/$slug" });
  const client = useQueryClient();
  const query = lessonQuery(chapter, slug);
  const lesson = useQuery(query);
  const course = useQuery(courseQuery);
  const chapterLink = course.data?.chapters.find((candidate) => candidate.slug === chapter);

  usePage(
    lesson.data?.title ?? "",
    lesson.data
      ? [{ label: `${lesson.data.chapter_number} ${lesson.data.chapter_title}`, to: "/" }]
      : [],
  );
  // Asked for at once, beside the lesson itself, so that formulas do not appear late.
  useEffect(() => {
    loadTex().catch(() => undefined); // each formula then says so itself
  }, []);

  async function predict(id: string, option: string) {
    const prediction = await answer(
      api.POST("/api/predictions", { body: { chapter, lesson: slug, id, option } }),
    );
    client.setQueryData<Lesson>(query.queryKey, (before) =>
      before && { ...before, predictions: { ...before.predictions, [id]: prediction } },
    );
  }
  async function setDone(done: boolean) {
    const map = await answer(
      api.PUT("/api/lessons/{chapter}/{slug}/progress", {
        params: { path: { chapter, slug } },
        body: { done },
      }),
    );
    client.setQueryData(courseQuery.queryKey, map);
    client.setQueryData<Lesson>(query.queryKey, (before) => before && { ...before, done });
  }

  if (lesson.error && !lesson.data) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">This lesson could not be opened</h1>
        <ProblemNotice error={lesson.error} onRetry={() => void lesson.refetch()} />
      </div>
    );
  }
  if (!lesson.data) {
    return (
      <p role="status" className="page-narrow caption">
        Opening the lesson…
      </p>
    );
  }
  return (
    <LessonView
      // A new lesson starts with a fresh stage.
      key={`${chapter}/${slug}`}
      lesson={lesson.data}
      chapter={chapterLink}
      onPredict={predict}
      onDone={setDone}
    />
  );
}

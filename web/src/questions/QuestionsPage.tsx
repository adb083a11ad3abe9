import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { useEffect } from "react";
import { answer, api, type Wire } from "../api/client";
import { courseQuery } from "../api/queries";
import { usePage } from "../app/page";
import "../lessons/lesson.css";
import { loadTex } from "../ui/math/Tex";
import { ProblemNotice } from "../ui/ProblemNotice";
import { QuestionCard } from "./QuestionCard";
import { type AnswerValue, type Question, questionsQuery } from "./queries";
import "./questions.css";

/** The page at /questions/$chapter: every question of a chapter with its open variant. */
export default function QuestionsPage() {
  const { chapter } = useParams({ from: "/questions/$chapter" });
  const client = useQueryClient();
  const query = questionsQuery(chapter);
  const page = useQuery(query);
  const title = page.data ? `Questions on ${page.data.chapter_title}` : "";
  usePage(title, page.data ? [{ label: `${page.data.chapter_number} ${page.data.chapter_title}`, to: "/" }] : []);
  useEffect(() => {
    loadTex().catch(() => undefined); // each formula then says so itself
  }, []);

  function put(question: Question, done?: boolean) {
    client.setQueryData<Wire["QuestionPage"]>(query.queryKey, (before) =>
      before && {
        ...before,
        done: done ?? before.done,
        questions: before.questions.map((old) => (old.slug === question.slug ? question : old)),
      },
    );
  }
  async function give(question: Question, value: AnswerValue): Promise<string | null> {
    const given = await answer(
      api.POST("/api/questions/{slug}/answers", {
        params: { path: { slug: question.slug } },
        body: { number: question.number, answer: value },
      }),
    );
    put(given.question, given.chapter_done);
    if (given.chapter_done) void client.invalidateQueries({ queryKey: courseQuery.queryKey });
    return given.invalid;
  }
  async function next(question: Question) {
    const params = { path: { slug: question.slug } };
    put(await answer(api.POST("/api/questions/{slug}/next", { params, body: { after: question.number } })));
  }
  async function tick(question: Question, ticked: number[]) {
    const params = { path: { slug: question.slug } };
    const body = { number: question.number, ticked };
    put(await answer(api.POST("/api/questions/{slug}/self-assessment", { params, body })));
  }

  if (page.error && !page.data) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">These questions could not be opened</h1>
        <ProblemNotice error={page.error} onRetry={() => void page.refetch()} />
      </div>
    );
  }
  if (!page.data) {
    return (
      <p role="status" className="page-narrow caption">
        Opening the questions…
      </p>
    );
  }
  const counted = page.data.questions.filter((question) => question.counted);
  const right = counted.filter((question) => question.variants_right > 0).length;
  return (
    <div className="questions prose">
      <p className="eyebrow">
        Chapter {page.data.chapter_number} · {right} of {counted.length} answered rightly
      </p>
      <h1>{title}</h1>
      <p className="lead">
        The first answer to each counts, and the reasons come with it. Then ask for another one like
        it, with new numbers, as often as you like.
      </p>
      {page.data.done && (
        <p className="questions-done" role="status">
          <CircleCheck size={18} aria-hidden /> You have answered each that counts rightly.
        </p>
      )}
      <ol className="question-list">
        {page.data.questions.map((question, i) => (
          <li key={question.slug}>
            <QuestionCard
              key={question.number}
              question={question}
              place={i + 1}
              onAnswer={(value) => give(question, value)}
              onNext={() => next(question)}
              onTick={(ticked) => tick(question, ticked)}
            />
          </li>
        ))}
      </ol>
      <p>
        <Link to="/">Back to the course map</Link>
      </p>
    </div>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { courseQuery } from "../api/queries";
import { usePage } from "../app/page";
import { ProblemNotice } from "../ui/ProblemNotice";
import { ChallengeView } from "./ChallengeView";
import { attemptsQuery, challengeQuery } from "./queries";

/** The page at /challenge/$slug: fetches a challenge and shows it. */
export default function ChallengePage() {
  const { slug } = useParams({ from: "/challenge/$slug" });
  const client = useQueryClient();
  const challenge = useQuery(challengeQuery(slug));
  const course = useQuery(courseQuery);
  const chapter = course.data?.chapters.find((c) =>
    c.lessons.some((lesson) => lesson.kind === "challenge" && lesson.slug === slug),
  );
  usePage(
    challenge.data?.title ?? "",
    chapter ? [{ label: `${chapter.number} ${chapter.title}`, to: "/" }] : [],
  );
  // A draft saved since belongs into the next visit, not into this editor.
  useEffect(
    () => () => client.removeQueries({ queryKey: challengeQuery(slug).queryKey }),
    [client, slug],
  );

  if (challenge.error && !challenge.data) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">This challenge could not be opened</h1>
        <ProblemNotice error={challenge.error} onRetry={() => void challenge.refetch()} />
      </div>
    );
  }
  if (!challenge.data) {
    return (
      <p role="status" className="page-narrow caption">
        Opening the challenge…
      </p>
    );
  }
  return (
    <ChallengeView
      key={slug}
      challenge={challenge.data}
      onGraded={() => {
        void client.invalidateQueries({ queryKey: attemptsQuery(slug).queryKey });
        // A try opens a hint, and a pass the explanation; the editor keeps what is in it.
        void client.invalidateQueries({ queryKey: challengeQuery(slug).queryKey });
        void client.invalidateQueries({ queryKey: courseQuery.queryKey });
      }}
    />
  );
}

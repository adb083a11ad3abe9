import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { courseQuery } from "../api/queries";
import { usePage } from "../app/page";
import { ProblemNotice } from "../ui/ProblemNotice";
import { useMediaQuery } from "../ui/useMediaQuery";
import { ChapterEntry } from "./ChapterEntry";
import { NextCard } from "./NextCard";
import { chaptersOf, type Course, unfolded } from "./progress";

/** The course map: twelve chapters in three phases, what is done, and what comes next. */
export default function CourseMapPage() {
  const course = useQuery(courseQuery);
  usePage("");
  return (
    <div className="page map">
      {course.isPending && <p role="status">Opening the course…</p>}
      {course.error && !course.data && (
        <ProblemNotice error={course.error} onRetry={() => void course.refetch()} />
      )}
      {course.data && <CourseMap course={course.data} />}
    </div>
  );
}

export function CourseMap({ course }: { course: Course }) {
  const sideBySide = useMediaQuery("(min-width: 1081px)");
  const open = sideBySide ? unfolded(course) : null;
  return (
    <>
      <div className="map-head">
        <div>
          <h1>Learn PPO by running it</h1>
          <p className="map-lead">
            From the first reward to RLHF on many machines. Every picture here is a view of a real
            training run, and most of them you can start, stop and change yourself.
          </p>
          <Progress course={course} />
        </div>
        <NextCard course={course} />
      </div>
      <div className="map-phases">
        {course.phases.map((phase, index) => (
          <section key={phase.name} aria-labelledby={`phase-${index}`}>
            <header className="phase-head">
              <p className="label num">Phase {index + 1}</p>
              <h2 id={`phase-${index}`}>{phase.name}</h2>
              <p className="caption">{phase.summary}</p>
            </header>
            <ol>
              {chaptersOf(course, phase.name).map((chapter) => (
                <ChapterEntry
                  key={chapter.slug}
                  chapter={chapter}
                  open={open?.has(chapter.slug) ?? false}
                />
              ))}
            </ol>
          </section>
        ))}
      </div>
    </>
  );
}

function Progress({ course }: { course: Course }) {
  const { done, total } = course;
  if (total === 0) return null;
  return (
    <div className="map-progress">
      <progress value={done} max={total} aria-label="Progress through what is written" />
      <span className="caption">
        <span className="num text-ink">{done}</span> of <span className="num text-ink">{total}</span>{" "}
        done · <Link to="/progress" className="underline">Progress and certificates</Link>
      </span>
    </div>
  );
}

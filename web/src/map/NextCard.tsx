import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import { useCallback, useState } from "react";

import { runsQuery } from "../api/queries";
import { MetricCard } from "../charts/MetricCard";
import { useFeed, useRun } from "../runs/hooks";
import { metricFormat, metricInfo, SHOWN } from "../runs/metrics";
import { ITEM_NAMES } from "./address";
import { LessonAnchor } from "./LessonAnchor";
import { type Course, nextStep } from "./progress";

/** What to do now, beside the return of a real run: the learner's newest, else the recorded one. */
export function NextCard({ course }: { course: Course }) {
  const next = nextStep(course);
  return (
    <section className="card next-card" aria-label="Your next step">
      {next ? (
        <div>
          <p className="label">{next.first ? "Start here" : "Your next step"}</p>
          <h2>{next.link.title}</h2>
          <p className="caption">
            Chapter {next.chapter.number}, {next.chapter.title};{" "}
            {ITEM_NAMES[next.link.kind].toLowerCase()},{" "}
            <span className="whitespace-nowrap">
              <span className="num">{next.link.minutes}</span> minutes
            </span>
          </p>
          <LessonAnchor chapter={next.chapter} link={next.link} className="btn btn-primary mt-3">
            {next.first ? "Begin" : "Go on"} <ArrowRight size={15} aria-hidden />
          </LessonAnchor>
        </div>
      ) : (
        <div>
          <p className="label">All that is written is done</p>
          <h2>Look back at your runs, or start another</h2>
          <Link to="/runs" className="btn btn-primary mt-3">
            Open the runs <ArrowRight size={15} aria-hidden />
          </Link>
        </div>
      )}
      <NewestRun />
    </section>
  );
}

function NewestRun() {
  const runs = useQuery(runsQuery);
  const chosen = runs.data?.find((run) => !run.recorded && run.step > 0) ?? runs.data?.find((run) => run.recorded);
  const feed = useRun(chosen?.id);
  const { run, step, version, latest } = useFeed(feed);
  const [reading, setReading] = useState<number | null>(null);
  const main = SHOWN[chosen?.kind ?? "control"].main;
  const read = useCallback(() => feed?.record.columns.get(main), [feed, main]);
  const info = metricInfo(run, main);
  if (!chosen || !info || step === 0) return null;
  const format = metricFormat(main);
  return (
    <div className="next-run">
      <MetricCard
        label={info.label}
        role={info.role}
        caption={info.description}
        read={read}
        onData={feed?.onData}
        version={version}
        lastStep={step}
        plannedStep={run?.total_steps}
        reference={info.reference}
        referenceLabel={info.reference == null ? undefined : format(info.reference)}
        reading={reading}
        onRead={setReading}
        value={latest[main]}
        format={format}
        height={104}
      />
      <p className="caption">
        <Link to="/runs/$id" params={{ id: chosen.id }}>
          {chosen.recorded ? "A recorded run" : "Your newest run"}
        </Link>
        : {chosen.environment}, seed <span className="num">{chosen.seed}</span>
      </p>
    </div>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Wire } from "../api/client";
import { episodeQuery, episodesQuery } from "../api/queries";
import { ProblemNotice } from "../ui/ProblemNotice";
import { EpisodePlayer } from "./EpisodePlayer";
import { entry } from "./episodes";

/** The episodes that were recorded of a run's policy, one of them to be played. */
export function EpisodesPanel({ run }: { run: Wire["RunDetail"] }) {
  const episodes = useQuery(episodesQuery(run.id));
  const [chosen, choose] = useState<string | null>(null);
  const name = episodes.data?.find((episode) => episode.name === chosen)?.name ?? episodes.data?.[0]?.name;
  return (
    <section className="card episodes" aria-label="Episodes">
      <header className="episodes-head">
        <h2>Episodes</h2>
        {episodes.data && episodes.data.length > 1 && (
          <label className="episodes-choice">
            <span className="sr-only">Episode</span>
            <select className="field" value={name} onChange={(event) => choose(event.target.value)}>
              {episodes.data.map((episode) => (
                <option key={episode.name} value={episode.name}>
                  {entry(episode)}
                </option>
              ))}
            </select>
          </label>
        )}
      </header>
      {episodes.isPending && <p className="caption">Looking for recorded episodes…</p>}
      {episodes.error && <ProblemNotice error={episodes.error} onRetry={() => void episodes.refetch()} />}
      {episodes.data?.length === 0 && <NoneYet run={run} />}
      {name && <Recorded key={name} run={run.id} name={name} />}
    </section>
  );
}

function NoneYet({ run }: { run: Wire["RunDetail"] }) {
  if (run.recorded) return <p className="caption">This run came with the course, without episodes.</p>;
  return (
    <p className="caption">
      None is recorded yet. In a terminal, this plays the newest policy and keeps what it did:{" "}
      <code className="num">ppolab eval {run.id} --record</code>
    </p>
  );
}

function Recorded({ run, name }: { run: string; name: string }) {
  const episode = useQuery(episodeQuery(run, name));
  if (episode.error) {
    return <ProblemNotice error={episode.error} onRetry={() => void episode.refetch()} />;
  }
  if (!episode.data) return <p className="caption">Opening the episode…</p>;
  return <EpisodePlayer run={run} episode={episode.data} />;
}

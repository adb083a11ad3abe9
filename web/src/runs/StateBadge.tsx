import {
  Activity,
  CloudOff,
  Flag,
  Hourglass,
  type LucideIcon,
  Pause,
  RefreshCw,
  Square,
  TriangleAlert,
  Unplug,
} from "lucide-react";

import type { Link, RunState } from "./words";

const ICONS: Record<RunState, LucideIcon> = {
  waiting: Hourglass,
  starting: Hourglass,
  running: Activity,
  paused: Pause,
  finished: Flag,
  stopped: Square,
  interrupted: Unplug,
  failed: TriangleAlert,
};

interface Props {
  state: RunState | null;
  words: string;
  link?: Link;
  /** Announce changes to a screen reader; off in lists. */
  announce?: boolean;
}

/** A run's state as icon and words, in ink: no hue belongs to a state. */
export function StateBadge({ state, words, link = "following", announce = false }: Props) {
  const Icon =
    link === "gone" ? CloudOff : link === "reconnecting" ? RefreshCw : state ? ICONS[state] : Hourglass;
  return (
    <span className="state-badge" data-state={state ?? "opening"}>
      <Icon size={14} aria-hidden />
      <span className="state-words">{words}</span>
      {announce && (
        // The step changes all the time; only the word before it is worth saying aloud.
        <span role="status" className="sr-only">
          {words.replace(/(,| at)? ?step [\d,]+/, "")}
        </span>
      )}
    </span>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { Action } from "../actions/registry";
import { useActions } from "../actions/useActions";
import { courseQuery, runsQuery } from "../api/queries";
import { ITEM_NAMES, itemAddress } from "../map/address";
import { useTheme } from "./theme";

/** The actions every page offers: go anywhere in the course, open the overlays, switch the theme. */
export function useGlobalActions(show: (overlay: "palette" | "shortcuts") => void): void {
  const navigate = useNavigate();
  const choose = useTheme((state) => state.choose);
  const { data: course } = useQuery(courseQuery);
  const { data: runs } = useQuery(runsQuery);

  const lessons: Action[] = (course?.chapters ?? []).flatMap((chapter) =>
    chapter.lessons.map((link) => ({
      id: `open.${chapter.slug}.${link.kind}.${link.slug}`,
      title: `${ITEM_NAMES[link.kind]}: ${link.title}`,
      group: "Go to" as const,
      keywords: `${chapter.title} chapter ${chapter.number}`,
      perform: () =>
        void navigate({ to: itemAddress(link.kind, chapter.slug, link.slug) }),
    })),
  );
  const openRuns: Action[] = (runs ?? []).slice(0, 20).map((run) => ({
    id: `open.run.${run.id}`,
    title: `Run: ${run.title}`,
    group: "Go to",
    keywords: `${run.id} ${run.environment} seed ${run.seed}`,
    perform: () => void navigate({ to: "/runs/$id", params: { id: run.id } }),
  }));

  useActions([
    {
      id: "palette",
      title: "Search lessons, runs and commands",
      group: "View",
      keys: "mod+k",
      perform: () => show("palette"),
    },
    {
      id: "shortcuts",
      title: "Show keyboard shortcuts",
      group: "View",
      keys: "?",
      perform: () => show("shortcuts"),
    },
    {
      id: "go.map",
      title: "Course map",
      group: "Go to",
      keywords: "home chapters progress",
      perform: () => void navigate({ to: "/" }),
    },
    ...lessons,
    {
      id: "go.clip-explorer",
      title: "Instrument: clip explorer",
      group: "Go to",
      keywords: "ratio objective advantage epsilon",
      perform: () => void navigate({ to: "/instruments/clip-explorer" }),
    },
    {
      id: "go.progress",
      title: "Progress and certificates",
      group: "Go to",
      keywords: "export import file signed verify",
      perform: () => void navigate({ to: "/progress" }),
    },
    {
      id: "go.runs",
      title: "All runs",
      group: "Go to",
      keywords: "training history replay",
      perform: () => void navigate({ to: "/runs" }),
    },
    ...openRuns,
    {
      id: "theme.light",
      title: "Use the light theme",
      group: "View",
      perform: () => choose("light"),
    },
    { id: "theme.dark", title: "Use the dark theme", group: "View", perform: () => choose("dark") },
    {
      id: "theme.system",
      title: "Use the system's theme",
      group: "View",
      perform: () => choose("system"),
    },
  ]);
}

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";

import { NotFound, PageError, PagePending } from "./app/fallbacks";
import { Shell } from "./app/Shell";

const root = createRootRoute({ component: Shell });

// Every page is its own chunk; a page module exports its component as `default`.
const map = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./map/CourseMapPage")),
});
const lesson = createRoute({
  getParentRoute: () => root,
  path: "/learn/$chapter/$slug",
  component: lazyRouteComponent(() => import("./lessons/LessonPage")),
});
const challenge = createRoute({
  getParentRoute: () => root,
  path: "/challenge/$slug",
  component: lazyRouteComponent(() => import("./challenge/ChallengePage")),
});
const questions = createRoute({
  getParentRoute: () => root,
  path: "/questions/$chapter",
  component: lazyRouteComponent(() => import("./questions/QuestionsPage")),
});
const derivation = createRoute({
  getParentRoute: () => root,
  path: "/derivation/$slug",
  component: lazyRouteComponent(() => import("./derivations/DerivationPage")),
});
const progress = createRoute({
  getParentRoute: () => root,
  path: "/progress",
  component: lazyRouteComponent(() => import("./progress/ProgressPage")),
});
const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  component: lazyRouteComponent(() => import("./runs/RunsPage")),
});
const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$id",
  // The step a replay looks at; anything that is no step is left out.
  validateSearch: (search): { step?: number } => {
    const step = Number(search.step);
    return search.step !== undefined && Number.isInteger(step) && step >= 0 ? { step } : {};
  },
  component: lazyRouteComponent(() => import("./runs/RunPage")),
});
const clipExplorer = createRoute({
  getParentRoute: () => root,
  path: "/instruments/clip-explorer",
  component: lazyRouteComponent(() => import("./figures/clip-explorer/Page")),
});

export const router = createRouter({
  routeTree: root.addChildren([map, lesson, challenge, questions, derivation, progress, runs, run, clipExplorer]),
  defaultPreload: "intent",
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: PageError,
  defaultPendingComponent: PagePending,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Wire } from "../api/client";
import { layOut } from "../ui/testSetup";
import RunPage from "./RunPage";
import { FakeServer, runDetail } from "./testing";

layOut(900, 200);

const runs = vi.hoisted(() => new Map<string, unknown>());
vi.mock("./transport", async () => {
  const { ApiProblem } = await import("../api/problem");
  const of = (id: string) => {
    const server = runs.get(id) as FakeServer | undefined;
    if (!server) throw new ApiProblem({ title: "Not found", status: 404, detail: `run: '${id}' is not known.` });
    return server;
  };
  return {
    serverTransport: {
      detail: async (id: string) => of(id).detail(),
      events: async (id: string) => of(id).events(),
      series: async (id: string) => of(id).series(),
      follow: (id: string, ...rest: [number, Parameters<FakeServer["follow"]>[2]]) => of(id).follow(id, ...rest),
    },
  };
});

/** A run of four updates. Ids are made unique, because feeds outlive a test for a while. */
let serial = 0;
function serve(change: Partial<Wire["RunDetail"]>): string {
  const server = new FakeServer();
  const id = `run-${(serial += 1)}`;
  server.run = runDetail({
    metrics: [
      {
        key: "return_mean_100",
        label: "Mean return",
        unit: "reward",
        role: "reward",
        description: "Of the last 100 episodes.",
        reference: 475,
      },
    ],
    ...change,
    id,
  });
  server.log = [20, 40, 80, 160].map((value, i) => ({
    kind: "metrics" as const,
    step: (i + 1) * 512,
    values: { return_mean_100: value },
  }));
  runs.set(id, server);
  return id;
}

function open(address: string) {
  const root = createRootRoute();
  const page = createRoute({
    getParentRoute: () => root,
    path: "/runs/$id",
    validateSearch: (search): { step?: number } => (search.step ? { step: Number(search.step) } : {}),
    component: RunPage,
  });
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = createRouter({ routeTree: root.addChildren([page]), history });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return history;
}
const card = () => within(screen.getByRole("region", { name: "Mean return" }));
const shownValue = () => card().getByRole("status").textContent;
const track = () => screen.getByRole("slider", { name: "Step looked at" });

beforeEach(() => {
  runs.clear();
  window.scrollTo = () => undefined; // the router restores the scroll position
});

describe("a run's state", () => {
  const can = { can_resume: true, resumable_step: 1024 };
  it.each<[Partial<Wire["RunDetail"]>, string, string[]]>([
    [{ state: "running" }, "live, step 2,048", ["Pause", "Step", "Stop"]],
    [{ state: "paused" }, "paused at step 2,048", ["Resume", "Step", "Stop"]],
    [{ state: "waiting", state_words: "" }, "waiting for a free slot", ["Pause", "Step", "Stop"]],
    [{ state: "finished", state_words: "finished at step 2,048" }, "finished at step 2,048", []],
    [{ state: "stopped", state_words: "", ...can }, "stopped at step 2,048", ["Resume from step 1,024"]],
    [
      { state: "interrupted", state_words: "interrupted at step 2,048", ...can },
      "interrupted at step 2,048",
      ["Resume from step 1,024"],
    ],
    [{ state: "interrupted", state_words: "", can_resume: false }, "interrupted at step 2,048", []],
    [{ state: "failed", state_words: "failed: no memory" }, "failed: no memory", []],
  ])("%o is said as “%s” and offers %o", async (change, words, buttons) => {
    open(`/runs/${serve(change)}`);
    expect(await screen.findByText(words, { selector: ".state-words" })).toBeTruthy();
    const group = screen.queryByRole("group", { name: "Controls of the run" });
    const offered = group ? within(group).getAllByRole("button").map((b) => b.textContent?.trim()) : [];
    expect(offered).toEqual(buttons);
  });

  it("of a recorded run offers nothing to steer, resumable or not", async () => {
    open(`/runs/${serve({ recorded: true, state: "stopped", ...can })}`);
    await screen.findByText(/ships with the course/);
    expect(screen.queryByRole("group", { name: "Controls of the run" })).toBeNull();
  });
});

describe("the step looked at", () => {
  it("is read from the address, and everything shows that step", async () => {
    open(`/runs/${serve({ state: "finished" })}?step=1024`);
    await waitFor(() => expect(shownValue()).toBe("40.0"));
    expect(track().getAttribute("aria-valuenow")).toBe("1024");
    expect(screen.getByText(/you are looking at step/).textContent).toContain("1,024");
  });

  it("goes into the address once the hand rests, without filling the history", async () => {
    const history = open(`/runs/${serve({ state: "finished" })}`);
    await waitFor(() => expect(shownValue()).toBe("160.0"));
    fireEvent.keyDown(track(), { key: "ArrowLeft" });
    fireEvent.keyDown(track(), { key: "ArrowLeft" });
    expect(shownValue()).toBe("40.0");
    await waitFor(() => expect(history.location.search).toBe("?step=1024"));
    expect(history.length).toBe(1);
    fireEvent.click(screen.getByRole("button", { name: "Jump to the end" }));
    await waitFor(() => expect(history.location.search).toBe(""));
    expect(shownValue()).toBe("160.0");
  });
});

it("says what is wrong with an address that names no run, and leads to those there are", async () => {
  open("/runs/nowhere");
  expect(await screen.findByText(/'nowhere' is not known/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "All runs" }).getAttribute("href")).toBe("/runs");
});

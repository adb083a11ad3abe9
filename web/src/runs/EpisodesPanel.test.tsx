// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { actions } from "../actions/registry";
import type { Wire } from "../api/client";
import { layOut } from "../ui/testSetup";
import { EpisodesPanel } from "./EpisodesPanel";
import { runDetail } from "./testing";

layOut(900, 200);
afterEach(() => vi.restoreAllMocks());

const EPISODE: Wire["Episode"] = {
  name: "step-000000512-seed-4",
  step: 512,
  seed: 4,
  deterministic: true,
  episode_return: 3,
  length: 3,
  truncated: false,
  agents: [],
  actions: [0, 1, 1],
  rewards: [1, 2, 0],
  values: [2, null, 0.5],
  action_probabilities: [
    [0.75, 0.25],
    [0.4, 0.6],
    [0.1, 0.9],
  ],
  frames: { steps: [0, 1, 2, 3], width: 300, height: 200, columns: 3, rows: 1, sheets: 2 },
  frames_absent: "",
};

/** A server with these episodes. */
function serve(...episodes: Wire["Episode"][]) {
  vi.stubGlobal("fetch", async (request: Request) => {
    const name = new URL(request.url).pathname.split("/episodes")[1]!.slice(1);
    const found = name ? episodes.find((episode) => episode.name === name) : episodes;
    return new Response(JSON.stringify(found), { headers: { "content-type": "application/json" } });
  });
}

function show(run: Partial<Wire["RunDetail"]> = {}) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <EpisodesPanel run={runDetail({ id: "run-7", ...run })} />
    </QueryClientProvider>,
  );
}
const track = () => screen.findByRole("slider", { name: "Step of the episode" });
const picture = () => screen.getByRole("img", { name: /^The environment/ });
const shownSheet = () => picture().querySelector<HTMLImageElement>("img:not([hidden])")!;

it("shows the picture and the numbers of each step, by keyboard too", async () => {
  serve(EPISODE);
  show();
  await track();
  expect(screen.getByText(/Policy of step 512, likeliest actions, seed 4: return 3 in 3 steps/)).toBeTruthy();
  expect(picture().getAttribute("aria-label")).toBe("The environment at step 0");
  expect(shownSheet().getAttribute("src")).toBe("/api/runs/run-7/episodes/step-000000512-seed-4/sheets/0");
  expect(screen.getByText("75.0 %").closest("li")!.textContent).toContain("taken");
  expect(screen.getByText("1, 0 so far")).toBeTruthy();

  fireEvent.click(screen.getByRole("button", { name: "One step on" }));
  expect(shownSheet().style.left).toBe("-100%");
  expect(screen.getByText("60.0 %").closest("li")!.textContent).toContain("taken");
  expect(screen.getByText("2, 1 so far")).toBeTruthy();
  expect(screen.getByText("not finite", { selector: "dd" })).toBeTruthy();

  fireEvent.change(await track(), { target: { value: "3" } });
  expect((await track()).getAttribute("aria-valuetext")).toBe("the end, after 3 steps");
  expect(shownSheet().getAttribute("src")).toContain("/sheets/1");
  expect(shownSheet().style.width).toBe("100%"); // alone on its sheet
  expect(screen.getByText("none, the episode is over")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "One step on" }));
  expect(screen.getByText("3 / 3")).toBeTruthy();
});

it("plays to the end and stops there", async () => {
  const frames: FrameRequestCallback[] = [];
  vi.spyOn(globalThis, "requestAnimationFrame").mockImplementation((callback) => frames.push(callback));
  serve(EPISODE);
  show();
  await track();
  frames.length = 0;
  vi.spyOn(performance, "now").mockReturnValue(0); // a busy machine must not move the clock
  fireEvent.click(screen.getByRole("button", { name: "Play the episode" }));
  const pass = async (seconds: number) => {
    await waitFor(() => expect(frames.length).toBeGreaterThan(0));
    act(() => frames.shift()!(seconds * 1000));
  };
  await pass(1.5 / 30);
  await waitFor(() => expect(screen.getByText("1 / 3")).toBeTruthy());
  await pass(60);
  await waitFor(() => expect(screen.getByText("3 / 3")).toBeTruthy());
  expect(screen.getByRole("button", { name: "Play the episode" })).toBeTruthy();
});

it("says why there are no pictures", async () => {
  serve({ ...EPISODE, frames: null, frames_absent: "pygame is not installed" });
  show();
  expect(await screen.findByText("Recorded without pictures: pygame is not installed.")).toBeTruthy();
  expect(screen.getByText("75.0 %")).toBeTruthy();
});

it("says so when a sheet cannot be read", async () => {
  serve(EPISODE);
  show();
  await track();
  fireEvent.error(shownSheet());
  expect(screen.getByText(/its pictures could not be read/)).toBeTruthy();
});

it("lets one of several be chosen", async () => {
  serve(EPISODE, { ...EPISODE, name: "step-000000064-seed-4", step: 64, actions: [[0.5, -1], [0, 0], [0, 0]], action_probabilities: null });
  show();
  const choice = await screen.findByRole("combobox", { name: "Episode" });
  expect([...choice.querySelectorAll("option")].map((option) => option.textContent)).toEqual([
    "Step 512, likeliest, seed 4: 3",
    "Step 64, likeliest, seed 4: 3",
  ]);
  fireEvent.change(choice, { target: { value: "step-000000064-seed-4" } });
  expect(await screen.findByText("0.50, -1")).toBeTruthy();
});

it("tells how to record the first one, and of a recorded run that there is none", async () => {
  serve();
  show();
  expect(await screen.findByText("ppolab eval run-7 --record")).toBeTruthy();
});

it("does not tell how to record what came with the course", async () => {
  serve();
  show({ recorded: true });
  expect(await screen.findByText(/came with the course/)).toBeTruthy();
  expect(screen.queryByText(/ppolab eval/)).toBeNull();
});

it("is in the command palette while it is shown", async () => {
  serve(EPISODE);
  show();
  await track();
  expect(actions.list().find(({ id }) => id === "episode.play")?.keys).toBe("e");
});

// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Wire } from "../api/client";
import { layOut } from "../ui/testSetup";
import RunsPage from "./RunsPage";
import { runDetail } from "./testing";

layOut();
vi.mock("@tanstack/react-router", async () => ({
  ...(await import("../lessons/testing/routerStub")),
  useNavigate: () => () => undefined,
}));

/** Requests besides reading, and what the server has. */
let asked: string[];
let runs: Wire["RunSummary"][];
let presets: Partial<Wire["Preset"]>[];
/** The bodies of the runs that were asked for. */
let started: unknown[];
/** How the server answers a deletion. */
let refusal: { status: number; detail: string } | null;

beforeEach(() => {
  asked = [];
  runs = [];
  presets = [];
  started = [];
  refusal = null;
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    const json = (body: unknown, status = 200) =>
      new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    if (request.method === "GET") return json({ "/api/runs": runs, "/api/presets": presets }[path] ?? []);
    asked.push(`${request.method} ${path}`);
    if (path === "/api/runs") started.push(await request.json());
    if (refusal) return json({ title: "Refused", ...refusal }, refusal.status);
    const id = path.split("/")[3];
    if (request.method === "DELETE") {
      runs = runs.filter((run) => run.id !== id);
      return new Response(null, { status: 204 });
    }
    return json(runDetail({ id }));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  layOut();
});

async function show(...list: Partial<Wire["RunDetail"]>[]) {
  runs = list.map((change, i) => runDetail({ id: `run-${i}`, title: `Run ${i}`, step: 512, ...change }));
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RunsPage />
    </QueryClientProvider>,
  );
  await screen.findByRole("link", { name: "Run 0" });
}
const ended = { state: "stopped", state_words: "stopped at step 512" } as const;

describe("deleting a run", () => {
  it("asks first, with the safe answer in focus", async () => {
    await show(ended);
    fireEvent.click(screen.getByRole("button", { name: "Delete Run 0" }));
    expect(screen.getByRole("alertdialog").textContent).toContain("512 steps for good?");
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Keep" }));
    fireEvent.click(screen.getByRole("button", { name: "Keep" }));
    expect(screen.queryByRole("alertdialog")).toBeNull();
    expect(asked).toEqual([]);
  });

  it("removes it once that is confirmed", async () => {
    await show(ended, ended);
    fireEvent.click(screen.getByRole("button", { name: "Delete Run 0" }));
    fireEvent.click(screen.getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(screen.queryByText("Run 0")).toBeNull());
    expect(asked).toEqual(["DELETE /api/runs/run-0"]);
    expect(screen.getByText("Run 1")).toBeTruthy();
  });

  it("that the server refuses is told in its words, and the run stays", async () => {
    refusal = { status: 409, detail: "run: 'run-0' is still going. Stop it first." };
    await show(ended);
    fireEvent.click(screen.getByRole("button", { name: "Delete Run 0" }));
    fireEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(await screen.findByText(/Stop it first/)).toBeTruthy();
    expect(screen.getByText("Run 0")).toBeTruthy();
  });

  it("is not offered while a run goes, nor for what ships with the course", async () => {
    await show({ state: "running" }, { ...ended, recorded: true });
    expect(screen.queryByRole("button", { name: /^Delete/ })).toBeNull();
  });
});

describe("resuming a run from the list", () => {
  it("is offered only where there is a checkpoint and no process", async () => {
    await show(
      { ...ended, can_resume: true },
      { ...ended, can_resume: false },
      { state: "running", can_resume: true },
      { ...ended, can_resume: true, recorded: true },
    );
    const buttons = screen.getAllByRole("button", { name: /Resume/ });
    expect(buttons.map((button) => button.textContent)).toEqual([" Resume Run 0"]);
    fireEvent.click(buttons[0]!);
    await waitFor(() => expect(asked).toEqual(["POST /api/runs/run-0/resume"]));
  });
});

it("says each run's state in words, and keeps recorded runs apart", async () => {
  await show(
    { state: "running" },
    { state: "interrupted", state_words: "interrupted at step 512" },
    { state: "finished", state_words: "finished at step 512: mean return 9.4", recorded: true },
  );
  expect(screen.getByText("finished at step 512")).toBeTruthy();
  expect(screen.getByText("live, step 512")).toBeTruthy();
  expect(screen.getByText("interrupted at step 512")).toBeTruthy();
  const recorded = screen.getByRole("region", { name: "Recorded for the course" });
  expect(recorded.textContent).toContain("Run 2");
  expect(recorded.textContent).not.toContain("Run 1");
});

describe("presets", () => {
  const language = { kind: "language", group: "Language", description: "", stages: ["Fine-tuning", "PPO"] } as const;
  const control = { kind: "control", group: "First", description: "", stages: [] as string[] } as const;
  const PRESETS = [
    { ...control, name: "pole", title: "A pole" },
    { ...language, name: "tiny", title: "A language" },
    { ...control, name: "cart", title: "A cart" },
  ];

  it("stand in their groups, in the order of the first of each, with the stages of language models", async () => {
    presets = PRESETS as Partial<Wire["Preset"]>[];
    await show(ended);
    await screen.findByRole("heading", { name: "A pole" });
    const [first, second] = [screen.getByRole("region", { name: "First" }), screen.getByRole("region", { name: "Language" })];
    expect(first.textContent).toContain("A pole");
    expect(first.textContent).toContain("A cart");
    expect(first.textContent).not.toContain("→");
    expect(second.textContent).toContain("Fine-tuning → PPO");
    expect(first.compareDocumentPosition(second) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });

  it("are started as the kind that they are", async () => {
    presets = PRESETS as Partial<Wire["Preset"]>[];
    await show(ended);
    fireEvent.click(await screen.findByRole("button", { name: "Start A language" }));
    await waitFor(() => expect(started).toEqual([{ kind: "language", preset: "tiny", overrides: {} }]));
  });
});

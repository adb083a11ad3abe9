// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Wire } from "../api/client";
import { layOut } from "../ui/testSetup";
import { StagesPanel } from "./StagesPanel";
import { runDetail } from "./testing";

layOut();
const went = vi.hoisted(() => [] as string[]);
vi.mock("@tanstack/react-router", async () => ({
  ...(await import("../lessons/testing/routerStub")),
  useNavigate: () => (to: { params: { id: string } }) => went.push(to.params.id),
}));

let stages: Wire["Stages"];
/** Requests besides reading, with their bodies. */
let asked: { path: string; body: unknown }[];
let refusal: string | null;

function stage(change: Partial<Wire["Stage"]>): Wire["Stage"] {
  return {
    kind: "sft",
    words: "Fine-tuning",
    run_id: "one",
    state: "finished",
    state_words: "finished at step 60",
    figures: [],
    texts_before: [],
    texts_after: [],
    ...change,
  };
}
const PLANNED = { run_id: null, state: null, state_words: "still to come" } as const;
const FIGURES = [
  { key: "eval_gold", label: "gold score", before: 0.151, after: 0.702 },
  { key: "eval_distinct_2", label: "distinct pairs", before: 0.91, after: null },
];

beforeEach(() => {
  asked = [];
  went.length = 0;
  refusal = null;
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    const json = (body: unknown, status = 200) =>
      new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    if (request.method === "GET") {
      return json(
        pathname === "/api/presets"
          ? [
              { name: "austen-ppo", title: "By PPO" },
              { name: "austen-dpo", title: "By DPO" },
              { name: "cartpole", title: "A pole" },
            ]
          : stages,
      );
    }
    const text = await request.text();
    asked.push({ path: pathname, body: text ? JSON.parse(text) : null });
    if (refusal) return json({ title: "Conflict", status: 409, detail: refusal }, 409);
    return json(runDetail({ id: "begun" }), 201);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  layOut();
});

async function show(found: Partial<Wire["Stages"]>, id = "one") {
  stages = { stages: [], next_ready: false, presets: [], ...found };
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <StagesPanel run={runDetail({ id, kind: "sft", seed: 4 })} state="finished" />
    </QueryClientProvider>,
  );
  await screen.findByRole("region", { name: "Stages" });
}
const cards = () => screen.getAllByRole("listitem");

describe("the stages of a run", () => {
  it("stand there in order, with this one marked, others linked and planned ones said to be so", async () => {
    await show({
      stages: [
        stage({}),
        stage({ kind: "reward-model", words: "Reward model", run_id: "two", state: "running", state_words: "running from step 0" }),
        stage({ kind: "rlhf", words: "PPO", ...PLANNED }),
      ],
    });
    const [sft, reward, ppo] = cards();
    expect(sft!.getAttribute("aria-current")).toBe("step");
    expect(within(sft!).queryByRole("link")).toBeNull();
    expect(within(reward!).getByRole("link", { name: "Reward model" }).getAttribute("href")).toBe("/runs/two");
    expect(reward!.textContent).toBe("Reward modelrunning");
    expect(ppo!.textContent).toBe("PPOstill to come");
    expect(within(ppo!).queryByRole("link")).toBeNull();
  });

  it("show each figure before and after, with a dash for what is no number", async () => {
    await show({ stages: [stage({ kind: "rlhf", words: "PPO", figures: FIGURES })] });
    const rows = screen.getAllByRole("row").slice(1);
    expect(rows.map((row) => row.textContent)).toEqual(["gold score0.15100.7020", "distinct pairs91.0 %–"]);
    expect(screen.getByRole("columnheader", { name: "after" })).toBeTruthy();
  });

  it("say “now” instead of “after” while a stage is at work", async () => {
    await show({ stages: [stage({ state: "running", figures: FIGURES })] });
    expect(screen.getByRole("columnheader", { name: "now" })).toBeTruthy();
  });

  it("tell why one failed", async () => {
    await show({ stages: [stage({}), stage({ run_id: "two", state: "failed", state_words: "failed at step 0: no pairs" })] });
    expect(screen.getByText("failed at step 0: no pairs")).toBeTruthy();
  });

  it("show answers of another stage's model, not those of this run, which stand below", async () => {
    const texts = { texts_before: ["it was sad"], texts_after: ["it was glad"] };
    await show({ stages: [stage({ ...texts }), stage({ kind: "rlhf", words: "PPO", run_id: "three", texts_before: ["a"], texts_after: ["so happy"] })] });
    expect(screen.getByText("Answers before and after PPO")).toBeTruthy();
    expect(screen.getByText("so happy")).toBeTruthy();
    expect(screen.queryByText("it was glad")).toBeNull();
  });
});

describe("going on", () => {
  const two = [stage({}), stage({ kind: "reward-model", words: "Reward model", ...PLANNED })];

  it("to the next stage is offered where it did not begin by itself, and leads there", async () => {
    await show({ stages: two, next_ready: true });
    fireEvent.click(screen.getByRole("button", { name: "Start the next stage: Reward model" }));
    await waitFor(() => expect(went).toEqual(["begun"]));
    expect(asked).toEqual([{ path: "/api/runs/one/next", body: null }]);
  });

  it("is not offered otherwise", async () => {
    await show({ stages: two });
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("with another preset names this run and keeps its seed", async () => {
    await show({ stages: two, presets: ["austen-ppo", "austen-dpo"] });
    const choice = await screen.findByRole("combobox");
    expect(within(choice).getAllByRole("option").map((option) => option.textContent)).toEqual(["By PPO", "By DPO"]);
    fireEvent.change(choice, { target: { value: "austen-dpo" } });
    fireEvent.click(screen.getByRole("button", { name: "Start" }));
    await waitFor(() => expect(went).toEqual(["begun"]));
    expect(asked[0]!.body).toEqual({ kind: "language", preset: "austen-dpo", seed: 4, overrides: {}, after: "one" });
  });

  it("that the server refuses is told in its words", async () => {
    refusal = "run: 'one' goes on in 'two' already. Look there";
    await show({ stages: two, next_ready: true });
    fireEvent.click(screen.getByRole("button", { name: /Start the next stage/ }));
    expect(await screen.findByText(/Look there/)).toBeTruthy();
    expect(went).toEqual([]);
  });
});

// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { actions } from "../actions/registry";
import { ApiProblem } from "../api/problem";
import type { Lesson } from "./ast";
import { LessonView } from "./LessonView";

vi.mock("@tanstack/react-router", () => import("./testing/routerStub"));
vi.mock("../runs/LiveRun", () => ({
  LiveRun: ({ preset, focus }: { preset: string; focus: string[] }) => (
    <div data-testid="live-run" data-singled-out={focus.join(" ")}>
      {preset}
    </div>
  ),
}));
// No run is followed here; what the parts say without one is what is tested.
vi.mock("../runs/hooks", () => ({
  useRun: () => null,
  useFeed: () => ({ run: null, state: null, error: null, latest: {}, settings: {}, step: 0 }),
}));

/** An observer whose entries the test sends, since jsdom lays nothing out. */
let report: (entries: Array<{ target: Element; isIntersecting: boolean }>) => void = () => undefined;
class StubObserver {
  constructor(callback: typeof report) {
    report = callback;
  }
  observe() {}
  disconnect() {}
}

const LESSON: Lesson = {
  chapter: "meeting-ppo",
  chapter_number: 4,
  chapter_title: "Meeting PPO",
  slug: "first-run",
  number: "4.1",
  title: "A first run",
  minutes: 12,
  summary: "What happens when it learns.",
  blocks: [
    {
      type: "predict",
      id: "reach",
      question: [{ type: "paragraph", children: [{ type: "text", text: "How will it rise?" }] }],
      options: [
        { id: "a", children: [{ type: "text", text: "Evenly" }] },
        { id: "b", children: [{ type: "text", text: "In jumps" }] },
      ],
    },
    { type: "directive", name: "run", attributes: { preset: "cartpole", after: "reach" }, children: [] },
    {
      type: "directive",
      name: "step",
      attributes: { show: "clip-explorer", sign: "-1", ratio: "0.7" },
      children: [{ type: "paragraph", children: [{ type: "text", text: "Past the edge." }] }],
    },
  ],
  predictions: {},
  done: false,
  previous: null,
  next: { chapter: "meeting-ppo", slug: "clip", title: "The clip", kind: "lesson" },
};
const MADE = {
  reach: { id: "reach", chosen: "a", correct: "b", reasons: { a: "It is not even.", b: "It jumps." } },
};

function show(change: Partial<Lesson> = {}, onPredict = vi.fn(async () => undefined)) {
  const onDone = vi.fn(async () => undefined);
  const client = new QueryClient();
  client.setQueryData(["runs"], []);
  const view = render(
    <QueryClientProvider client={client}>
      <LessonView
        lesson={{ ...LESSON, ...change }}
        chapter={undefined}
        onPredict={onPredict}
        onDone={onDone}
      />
    </QueryClientProvider>,
  );
  return { ...view, onPredict, onDone };
}

/** Scroll so that these stops have passed the reading line, or not. */
function scrollTo(passed: Record<string, boolean>) {
  const entries = Object.entries(passed).map(([id, isIntersecting]) => ({
    target: document.getElementById(id)!,
    isIntersecting,
  }));
  act(() => report(entries));
}

beforeEach(() => {
  vi.stubGlobal("IntersectionObserver", StubObserver);
  localStorage.clear();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("a lesson with a run that waits for a prediction", () => {
  it("keeps the run locked until the prediction exists", () => {
    const { unmount } = show();
    expect(screen.getByText("Make your prediction first")).toBeTruthy();
    expect(screen.queryByTestId("live-run")).toBeNull();
    unmount();
    show({ predictions: MADE });
    expect(screen.getByTestId("live-run").textContent).toBe("cartpole");
    expect(screen.queryByText("Make your prediction first")).toBeNull();
  });

  it("sends the chosen option, and asks for one when none is chosen", async () => {
    const { onPredict } = show();
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Commit to this prediction" }));
    expect(onPredict).not.toHaveBeenCalled();
    expect(screen.getByRole("alert").textContent).toContain("Choose one");
    await user.click(screen.getByRole("radio", { name: "In jumps" }));
    await user.click(screen.getByRole("button", { name: "Commit to this prediction" }));
    expect(onPredict).toHaveBeenCalledWith("reach", "b");
  });

  it("shows the verdict and the reason for each option once it is made", () => {
    show({ predictions: MADE });
    const answer = screen.getByRole("region", { name: "Prediction" });
    expect(within(answer).getByText("Not what happens.")).toBeTruthy();
    const items = within(answer).getAllByRole("listitem");
    expect(items[0]?.textContent).toContain("your answer");
    expect(items[0]?.textContent).toContain("It is not even.");
    expect(items[1]?.textContent).toContain("right");
    expect(screen.queryByRole("radio")).toBeNull();
  });

  it("keeps the choice and says why when the server does not take it", async () => {
    const gone = new ApiProblem({ title: "gone", status: 0, detail: "The server does not answer." });
    show({}, vi.fn(async () => Promise.reject(gone)));
    const user = userEvent.setup();
    await user.click(screen.getByRole("radio", { name: "Evenly" }));
    await user.click(screen.getByRole("button", { name: "Commit to this prediction" }));
    expect((await screen.findByRole("alert")).textContent).toContain("The server does not answer.");
    expect(screen.getByRole<HTMLInputElement>("radio", { name: "Evenly" }).checked).toBe(true);
  });
});

describe("the stage", () => {
  it("follows the step that passes the reading line, and lets the reader override", async () => {
    show({ predictions: MADE });
    expect(screen.getByTestId("live-run").closest("[hidden]")).toBeNull();
    scrollTo({ "stop-1": true, "stop-2": true });
    expect(screen.getByTestId("live-run").closest("[hidden]")).not.toBeNull();
    expect(screen.getByRole("slider", { name: /Probability ratio/ }).getAttribute("aria-valuenow")).toBe("0.7");
    expect(document.querySelector("#stop-2[data-current]")).not.toBeNull();

    scrollTo({ "stop-2": false });
    expect(screen.getByTestId("live-run").closest("[hidden]")).toBeNull();
    expect(document.querySelector("#stop-1[data-current]")).not.toBeNull();

    scrollTo({ "stop-2": true });
    await userEvent.setup().click(screen.getByRole("button", { name: "Live run" }));
    expect(screen.getByTestId("live-run").closest("[hidden]")).toBeNull();
  });

  it("singles out the charts of the step that is current, and of no other", () => {
    const step = (focus: string): Lesson["blocks"][number] => ({
      type: "directive",
      name: "step",
      attributes: { show: "run", focus },
      children: [],
    });
    const run: Lesson["blocks"][number] = {
      type: "directive",
      name: "run",
      attributes: { preset: "cartpole" },
      children: [],
    };
    show({ blocks: [run, step("entropy"), step("policy_loss value_loss")] });
    const singledOut = () => screen.getByTestId("live-run").dataset.singledOut;
    expect(singledOut()).toBe("");
    scrollTo({ "stop-1": true, "stop-2": true });
    expect(singledOut()).toBe("entropy");
    scrollTo({ "stop-3": true });
    expect(singledOut()).toBe("policy_loss value_loss");
    scrollTo({ "stop-3": false, "stop-2": false });
    expect(singledOut()).toBe("");
  });

  it("offers [ and ] only where there is a step to go to", () => {
    window.scrollBy = vi.fn();
    show({ predictions: MADE });
    expect(actions.available().map((action) => action.keys)).toContain("]");
    expect(actions.available().map((action) => action.keys)).not.toContain("[");
    scrollTo({ "stop-1": true, "stop-2": true });
    expect(actions.available().map((action) => action.keys)).not.toContain("]");
    actions.handle(new KeyboardEvent("keydown", { key: "[" }));
    expect(document.activeElement?.id).toBe("stop-1");
  });
});

describe("the end of a lesson", () => {
  it("marks it as done and leads on", async () => {
    const { onDone } = show();
    await userEvent.setup().click(screen.getByRole("button", { name: "Mark as done" }));
    expect(onDone).toHaveBeenCalledWith(true);
    expect(screen.getByRole("link", { name: /Next lesson.*The clip/ }).getAttribute("href")).toBe(
      "/learn/meeting-ppo/clip",
    );
  });

  it("has no accessibility fault, before and after the prediction", async () => {
    for (const predictions of [{}, MADE]) {
      const { container, unmount } = show({ predictions });
      // Contrast needs a layout, which jsdom has not; the tokens' own test covers it.
      const result = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
      expect(result.violations.map((violation) => violation.id)).toEqual([]);
      unmount();
    }
  });
});

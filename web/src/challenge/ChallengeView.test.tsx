// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as Client from "../api/client";
import type { Wire } from "../api/client";
import type { Attempt, CheckStatus } from "./attempt";
import { ChallengeView } from "./ChallengeView";
import { keepLocalDraft } from "./draft";

vi.mock("@tanstack/react-router", () => import("../lessons/testing/routerStub"));
// The server, as far as this page asks it: what a submission answers is set by each test.
const server = vi.hoisted(() => ({
  asked: [] as string[],
  submission: { status: 202, body: {} as unknown },
  attempts: [] as unknown[],
}));
vi.mock("../api/client", async (original) => {
  const reply = (method: string, status: number, body: () => unknown) => async (path: string) => {
    server.asked.push(`${method} ${path}`);
    const ok = status < 400;
    return { data: ok ? body() : undefined, error: body(), response: { ok, status } };
  };
  return {
    ...(await original<typeof Client>()),
    api: {
      GET: reply("GET", 200, () => server.attempts),
      PUT: reply("PUT", 204, () => undefined),
      POST: (path: string) =>
        reply("POST", server.submission.status, () => server.submission.body)(path),
    },
  };
});

const paragraph = (text: string) => ({
  type: "paragraph" as const,
  children: [{ type: "text" as const, text }],
});

const CHALLENGE: Wire["Challenge"] = {
  slug: "double",
  title: "Double a number",
  chapter: "meeting-ppo",
  minutes: 5,
  prompt: [{ type: "paragraph", children: [{ type: "text", text: "Write double(x)." }] }],
  starter: "def double(x):\n    ...\n",
  entry: "double",
  checks: [
    { name: "twice", title: "Returns twice the number", visible: true },
    { name: "zero", title: "Leaves zero alone", visible: false },
  ],
  kind: "function",
  examples: [{ name: "three", call: "double(x=3)", expected: "6" }],
  hints: ["Try adding.", "Add x to itself."].map((text, i) => ({
    number: i + 1,
    after: i + 1,
    blocks: [paragraph(text)],
  })),
  tries: 2,
  after: null,
  solved: false,
  draft: null,
  attempts: 1,
};

function attempt(statuses: CheckStatus[], change: Partial<Attempt> = {}): Attempt {
  return {
    id: 2,
    challenge: "double",
    status: "running",
    verdict: null,
    summary: "",
    checks: CHALLENGE.checks.map((check, i) => ({
      ...check,
      status: statuses[i] ?? "pending",
      message: statuses[i] === "fail" ? "double(3) should be 6, but yours is 9." : "",
      visible: i === 0,
      case: statuses[i] === "fail" && i === 0 ? "double(x=3)" : "",
    })),
    output: "",
    backend: "bubblewrap (user)",
    seconds: null,
    created_at: "2026-01-01T10:00:00Z",
    source: "def double(x):\n    return 3 * x\n",
    ...change,
  };
}

const EARLIER = attempt(["fail", "pass"], { id: 1, status: "done", verdict: "fail" });

let socket: { onmessage?: (event: { data: string }) => void; close: () => void };
const stream = (state: Attempt) =>
  act(() => socket.onmessage?.({ data: JSON.stringify({ type: "attempt", attempt: state }) }));

beforeEach(() => {
  server.asked.length = 0;
  server.attempts = [EARLIER];
  server.submission = { status: 202, body: attempt([], { status: "queued" }) };
  localStorage.clear();
  vi.stubGlobal(
    "WebSocket",
    class {
      constructor() {
        socket = this as never;
      }
      close() {}
    },
  );
  // The editor measures its text, and jsdom lays nothing out.
  Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(change: Partial<Wire["Challenge"]> = {}) {
  const onGraded = vi.fn();
  const view = render(
    <QueryClientProvider client={new QueryClient()}>
      <ChallengeView challenge={{ ...CHALLENGE, ...change }} onGraded={onGraded} />
    </QueryClientProvider>,
  );
  return { ...view, onGraded, user: userEvent.setup() };
}
const editorText = () => document.querySelector(".cm-content")?.textContent ?? "";
const checkItem = (title: string) =>
  screen.getByText(title, { selector: ".verdict-card strong" }).closest("li")!;

describe("a submission", () => {
  it("shows each check as it is decided, in words, and the verdict at the end", async () => {
    const { user, onGraded } = show();
    await user.click(screen.getByRole("button", { name: "Submit" }));
    expect(await screen.findByText("Waiting for a free place to run")).toBeTruthy();
    expect(checkItem("Returns twice the number").textContent).toContain("waiting");

    stream(attempt(["fail"]));
    expect(screen.getByText("Running your code")).toBeTruthy();
    expect(checkItem("Returns twice the number").textContent).toContain("failed");
    expect(checkItem("Returns twice the number").textContent).toContain("should be 6, but yours is 9");
    expect(checkItem("Leaves zero alone").textContent).toContain("waiting");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Checking…" }).disabled).toBe(true);
    expect(onGraded).not.toHaveBeenCalled();

    stream(attempt(["fail", "pass"], { status: "done", verdict: "fail", seconds: 0.5, output: "hello" }));
    expect(screen.getByText("hello").tagName).toBe("PRE");
    expect(screen.getByText(/Took 0.50 s\. Ran isolated by bubblewrap/)).toBeTruthy();
    expect(onGraded).toHaveBeenCalledTimes(1);
    expect(screen.queryByText("You have solved this.")).toBeNull();
  });

  it("is solved once every check passed", async () => {
    const { user } = show();
    await user.click(screen.getByRole("button", { name: "Submit" }));
    await screen.findByText("Waiting for a free place to run");
    stream(attempt(["pass", "pass"], { status: "done", verdict: "pass", summary: "All 2 checks pass." }));
    expect(screen.getByText("You have solved this.")).toBeTruthy();
    expect(screen.getByRole("heading", { name: "Solved" })).toBeTruthy();
  });

  it("that raises in every check tells the error once", async () => {
    const { user } = show();
    await user.click(screen.getByRole("button", { name: "Submit" }));
    await screen.findByText("Waiting for a free place to run");
    const state = attempt(["error", "error"], { status: "done", verdict: "error" });
    const error = "Your function raised an error in line 2: NameError: name 'y' is not defined.";
    const checks = state.checks.map((check, i) => ({
      ...check,
      message: `${error} It was called with ${i}.`,
    }));
    stream({ ...state, checks });
    expect(screen.getAllByText(/NameError/)).toHaveLength(1);
    expect(screen.getByText(error).closest("li")).toBeNull();
    expect(checkItem("Leaves zero alone").textContent).toBe("Leaves zero alone error");
  });

  it("too large for the server is answered with the server's own words", async () => {
    const detail = "source: 5.0 MB is too large. Send at most 64 KB.";
    server.submission = { status: 413, body: { title: "Too large", status: 413, detail } };
    const { user } = show();
    await user.click(screen.getByRole("button", { name: "Submit" }));
    expect((await screen.findByRole("alert")).textContent).toContain(detail);
    expect(editorText()).toContain("def double");
  });
});

describe("the editor's text", () => {
  it("resets to the starter in one step that undo takes back", async () => {
    const { user } = show({ draft: "def double(x):\n    return x + x\n" });
    expect(editorText()).toContain("x + x");
    await user.click(screen.getByRole("button", { name: "Reset to the starter" }));
    expect(editorText()).toContain("...");
    await user.keyboard("{Control>}z{/Control}");
    expect(editorText()).toContain("x + x");
  });

  it("opens with what the server never got", () => {
    keepLocalDraft("double", { source: "unsent = 1", saved: false });
    show({ draft: "older" });
    expect(editorText()).toBe("unsent = 1");
  });

  it("can be taken back from an earlier attempt", async () => {
    const { user } = show();
    await user.click(await screen.findByText("1 of 2 checks"));
    await user.click(screen.getByRole("button", { name: "Put this code in the editor" }));
    expect(editorText()).toContain("3 * x");
  });

  it("is saved as a draft when it changed, also when the page is left at once", async () => {
    const { user, unmount } = show();
    await user.click(screen.getByRole("button", { name: "Reset to the starter" }));
    expect(server.asked).not.toContain("PUT /api/challenges/{slug}/draft");
    unmount();
    expect(server.asked).toContain("PUT /api/challenges/{slug}/draft");
  });
});

it("gives hints one at a time", async () => {
  const { user } = show();
  expect(screen.queryByText("Try adding.")).toBeNull();
  await user.click(screen.getByRole("button", { name: /Show a hint \(1 of 2\)/ }));
  expect(screen.getByText("Try adding.")).toBeTruthy();
  expect(screen.queryByText("Add x to itself.")).toBeNull();
  await user.click(screen.getByRole("button", { name: /Show the next hint \(2 of 2\)/ }));
  expect(screen.getByText("Add x to itself.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /hint/ })).toBeNull();
});

it("keeps a hint locked until there were tries enough, and says how many", async () => {
  const [first, second] = CHALLENGE.hints;
  const hints = [first!, { ...second!, blocks: null }];
  const { user } = show({ hints, tries: 1 });
  await user.click(screen.getByRole("button", { name: /Show a hint/ }));
  expect(screen.queryByRole("button", { name: /hint/ })).toBeNull();
  expect(screen.getByText(/Hint 2 of 2 opens after 2 different tries; you have made 1\./)).toBeTruthy();
});

it("shows examples as calls, and the explanation only to those who have passed", () => {
  const after = {
    explanation: [paragraph("Adding is doubling.")],
    solutions: [{ name: "by a sum", source: "def double(x):\n    return x + x\n" }],
    engine: [{ symbol: "ppolab.algorithms.kl.kl_k1", place: "kl.py:1-2", source: "def kl_k1(): ..." }],
  };
  const { unmount } = show();
  expect(screen.getByLabelText("Example: three").textContent).toBe("double(x=3)\n→ 6");
  expect(screen.queryByText("Now that you have solved it")).toBeNull();
  unmount();
  show({ solved: true, after });
  expect(screen.getByText("Adding is doubling.")).toBeTruthy();
  expect(screen.getByText("by a sum")).toBeTruthy();
  expect(screen.getByText("kl.py:1-2")).toBeTruthy();
});

it("has no accessibility fault, with a verdict and an opened attempt", async () => {
  const { container, user } = show();
  await user.click(await screen.findByText("1 of 2 checks"));
  await user.click(screen.getByRole("button", { name: "Submit" }));
  await screen.findByText("Waiting for a free place to run");
  stream(attempt(["fail", "pass"], { status: "done", verdict: "fail", output: "x" }));
  expect(within(container).getByRole("textbox", { name: /Your Python code/ })).toBeTruthy();
  const result = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(result.violations.map((violation) => violation.id)).toEqual([]);
});

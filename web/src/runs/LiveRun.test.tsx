// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Wire } from "../api/client";
import { layOut } from "../ui/testSetup";
import { LiveRun } from "./LiveRun";
import { SettingSlider } from "./SettingSlider";
import { FakeServer, runDetail } from "./testing";

layOut(500, 200);

vi.mock("@tanstack/react-router", () => ({
  Link: ({ children }: { children: React.ReactNode }) => <a href="/runs">{children}</a>,
}));
const runs = vi.hoisted(() => new Map<string, unknown>());
vi.mock("./transport", async () => {
  const { ApiProblem } = await import("../api/problem");
  const of = (id: string) => {
    const server = runs.get(id) as FakeServer | undefined;
    if (!server) {
      throw new ApiProblem({ title: "Not found", status: 404, detail: `run: '${id}' is not known.` });
    }
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

const preset = {
  name: "cartpole",
  title: "CartPole",
  description: "",
  kind: "control",
  environment: "CartPole-v1",
  config: { seed: 7 },
  settings: runDetail().settings,
};

/** Requests the page made besides reading, as "METHOD path body". */
let asked: string[];

beforeEach(() => {
  asked = [];
  localStorage.clear();
  runs.clear();
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    const json = (body: unknown, status = 200) =>
      new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    if (request.method === "GET") return json(path === "/api/presets" ? [preset] : []);
    asked.push(`${request.method} ${path} ${await request.text()}`);
    if (path === "/api/runs") {
      const server = serve("own", { state: "starting", state_words: "starting" });
      return json(server.run, 201);
    }
    const server = runs.get(path.split("/")[3] ?? "") as FakeServer;
    server.run = { ...server.run, state: path.endsWith("control") ? "paused" : "running" };
    return json(server.run);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  layOut(500, 200);
});

/** A run that the server knows. Ids are made unique, because feeds outlive a test for a while. */
let serial = 0;
function serve(id: string, change: Partial<Wire["RunDetail"]>): FakeServer {
  const server = new FakeServer();
  const unique = id === "own" ? `own-${(serial += 1)}` : id;
  server.run = runDetail({ id: unique, ...change });
  server.log = [{ kind: "metrics", step: 512, values: { policy_loss: -0.01 } }];
  runs.set(unique, server);
  return server;
}

function show(props: Partial<Parameters<typeof LiveRun>[0]> = {}) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <LiveRun preset="cartpole" place="here" {...props} />
    </QueryClientProvider>,
  );
}

describe("a run in a lesson", () => {
  it("shows the recorded run, said to be one, and starts the learner's on request", async () => {
    serve("rec-1", { recorded: true, seed: 3, state: "finished", state_words: "finished at step 512" });
    show({ recordedId: "rec-1" });
    await screen.findByText(/Recorded run, seed/);
    expect(screen.queryByRole("group", { name: "Controls of the run" })).toBeNull();
    const start = await screen.findByRole("button", { name: "Start training" });
    await waitFor(() => expect((start as HTMLButtonElement).disabled).toBe(false));
    fireEvent.click(start);
    await screen.findByText(/Your run, seed/);
    expect(asked[0]).toContain('"preset":"cartpole","seed":null');
    expect(localStorage.getItem("ppolab.run:here:cartpole")).toBe(`own-${serial}`);
  });

  it("finds the learner's run again after a reload", async () => {
    const { run } = serve("own", {});
    localStorage.setItem("ppolab.run:here:cartpole", run.id);
    show();
    await screen.findByText(/Your run, seed/);
    expect(await screen.findByText("live, step 512")).toBeTruthy();
  });

  it("forgets a run that was deleted and shows the recorded one", async () => {
    serve("rec-2", { recorded: true, state: "finished", state_words: "finished at step 512" });
    localStorage.setItem("ppolab.run:here:cartpole", "deleted");
    show({ recordedId: "rec-2" });
    await screen.findByText(/Recorded run, seed/);
    expect(localStorage.getItem("ppolab.run:here:cartpole")).toBeNull();
  });

  it("cannot be started while it is locked, and says why", async () => {
    serve("rec-3", { recorded: true, state: "finished" });
    show({ recordedId: "rec-3", locked: "Predict first." });
    await screen.findByText("Predict first.");
    expect(screen.queryByRole("button", { name: /Start/ })).toBeNull();
  });

  it("offers what fits the state: pause while it runs, step only when paused", async () => {
    const { run } = serve("own", {});
    localStorage.setItem("ppolab.run:here:cartpole", run.id);
    show();
    const pause = await screen.findByRole("button", { name: "Pause" });
    expect((screen.getByRole("button", { name: "Step" }) as HTMLButtonElement).disabled).toBe(true);
    fireEvent.click(pause);
    await screen.findByRole("button", { name: "Resume" });
    expect((screen.getByRole("button", { name: "Step" }) as HTMLButtonElement).disabled).toBe(false);
    expect(asked[0]).toBe(`POST /api/runs/${run.id}/control {"action":"pause","name":null,"value":null}`);
  });

  it.each([
    ["starting", true],
    ["running", false],
  ] as const)("can be stopped while it is %s; settings are for what trains", async (state, still) => {
    const { run } = serve("own", { state, state_words: state });
    localStorage.setItem("ppolab.run:here:cartpole", run.id);
    show();
    const stop = await screen.findByRole("button", { name: "Stop" });
    expect((screen.getByRole("slider") as HTMLInputElement).disabled).toBe(still);
    fireEvent.click(stop);
    await waitFor(() => expect(asked[0]).toContain('{"action":"stop"'));
  });

  it("resumes an interrupted run from its checkpoint", async () => {
    const { run } = serve("own", {
      state: "interrupted",
      state_words: "interrupted at step 512: its process went away",
      can_resume: true,
      resumable_step: 512,
    });
    localStorage.setItem("ppolab.run:here:cartpole", run.id);
    show();
    fireEvent.click(await screen.findByRole("button", { name: /Resume from step 512/ }));
    await screen.findByRole("button", { name: "Pause" });
    expect(asked[0]).toContain(`POST /api/runs/${run.id}/resume`);
  });
});

describe("a live setting", () => {
  const setting = runDetail().settings[0]!;

  it("shows old → new while it is dragged and applies when it is let go", async () => {
    const onApply = vi.fn(async () => true);
    render(<SettingSlider setting={setting} value={0.2} onApply={onApply} />);
    const slider = screen.getByRole("slider", { name: "Clip range ε" });
    fireEvent.change(slider, { target: { value: "0.3" } });
    expect(screen.getByText("0.20 → 0.30")).toBeTruthy();
    expect(onApply).not.toHaveBeenCalled();
    await act(async () => fireEvent.pointerUp(slider));
    expect(onApply).toHaveBeenCalledExactlyOnceWith(0.3);
  });

  it("goes back to the value in force when the change was refused", async () => {
    render(<SettingSlider setting={setting} value={0.2} onApply={() => false} />);
    const slider = screen.getByRole("slider") as HTMLInputElement;
    fireEvent.change(slider, { target: { value: "0.9" } });
    await act(async () => fireEvent.keyUp(slider, { key: "ArrowRight" }));
    expect(slider.value).toBe("0.2");
  });

  it("goes by powers of ten where the setting does", async () => {
    const onApply = vi.fn(async () => true);
    const rate = { ...setting, label: "Learning rate", minimum: 1e-7, maximum: 0.01, step: 0.05, logarithmic: true };
    render(<SettingSlider setting={rate} value={0.0002} onApply={onApply} />);
    const slider = screen.getByRole("slider", { name: "Learning rate" }) as HTMLInputElement;
    expect([Number(slider.min), Number(slider.max)]).toEqual([-7, -2]);
    expect(slider.getAttribute("aria-valuetext")).toBe("0.0002");
    fireEvent.change(slider, { target: { value: "-3.05" } });
    expect(screen.getByText("0.0002 → 0.00089")).toBeTruthy();
    await act(async () => fireEvent.pointerUp(slider));
    expect(onApply).toHaveBeenCalledExactlyOnceWith(0.00089);
  });

  it("tells the last change as the log told it", () => {
    render(
      <SettingSlider setting={setting} value={0.3} change={{ from: 0.2, step: 5632 }} onApply={() => true} />,
    );
    expect(screen.getByText("0.20 → 0.30 at step 5,632")).toBeTruthy();
  });
});

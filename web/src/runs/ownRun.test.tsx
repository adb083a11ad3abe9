// @vitest-environment jsdom
import { act, renderHook, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { layOut } from "../ui/testSetup";
import { useGone, useOwnRun } from "./ownRun";

layOut();
vi.mock("./transport", async () => {
  const { ApiProblem } = await import("../api/problem");
  const { FakeServer } = await import("./testing");
  const server = new FakeServer();
  const of = (id: string) => {
    if (id.startsWith("gone")) throw new ApiProblem({ title: "Not found", status: 404, detail: "" });
    return server;
  };
  return {
    serverTransport: {
      detail: async (id: string) => of(id).detail(),
      events: async (id: string) => of(id).events(),
      series: async (id: string) => of(id).series(),
      follow: () => ({ send() {}, close() {} }),
    },
  };
});
beforeEach(() => localStorage.clear());

const KEY = "ppolab.run:chapter/lesson:cartpole";
const own = () => renderHook(() => useOwnRun("chapter/lesson", "cartpole"));

describe("the learner's run at a place of the course", () => {
  it("is one for all who ask, from the moment it is started", () => {
    const [first, second] = [own(), own()];
    expect(second.result.current[0]).toBeNull();
    act(() => first.result.current[1]("run-7"));
    expect(second.result.current[0]).toBe("run-7");
    expect(localStorage.getItem(KEY)).toBe("run-7");
  });

  it("is forgotten by all when it was deleted", async () => {
    localStorage.setItem(KEY, "gone-1");
    const [first, second] = [own(), own()];
    await waitFor(() => expect(first.result.current[0]).toBeNull());
    expect(second.result.current[0]).toBeNull();
    await waitFor(() => expect(localStorage.getItem(KEY)).toBeNull());
  });

  it("is none where no run belongs", () => {
    expect(renderHook(() => useOwnRun("chapter/lesson", null)).result.current[0]).toBeNull();
  });
});

it("tells a run that is gone from one that is there", async () => {
  const gone = renderHook(() => useGone("gone-2"));
  const there = renderHook(() => useGone("run-8"));
  await waitFor(() => expect(gone.result.current).toBe(true));
  expect(there.result.current).toBe(false);
});

import { expect, test } from "vitest";

import type { RunEvent } from "./record";
import { textsAt } from "./texts";

function sample(step: number, texts: unknown): RunEvent {
  return { seq: step, step, t: step, kind: "sample", data: { texts } } as RunEvent;
}

const EVENTS = [
  { seq: 1, step: 0, t: 0, kind: "state", data: { state: "running" } } as RunEvent,
  sample(0, ["she was sad."]),
  sample(10, ["she was well."]),
  sample(20, ["she was happy."]),
];

test("the newest texts stand beside the first", () => {
  expect(textsAt(EVENTS, null)).toEqual({
    first: { step: 0, texts: ["she was sad."] },
    now: { step: 20, texts: ["she was happy."] },
  });
});

test("a replay sees the texts that were the newest at its step", () => {
  expect(textsAt(EVENTS, 19)?.now.step).toBe(10);
  expect(textsAt(EVENTS, 10)?.now.step).toBe(10);
  expect(textsAt(EVENTS, 0)?.now.step).toBe(0);
});

test("a run without texts has none to show", () => {
  expect(textsAt([EVENTS[0]!, sample(3, undefined)], null)).toBeNull();
});

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiProblem, serverGoneProblem } from "../api/problem";
import { RunFeed } from "./feed";
import { FakeServer, type LogLine, runDetail } from "./testing";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const metrics = (step: number, loss: number | null): LogLine => ({
  kind: "metrics",
  step,
  values: { loss },
});
const settle = () => vi.advanceTimersByTimeAsync(0);

async function opened(server: FakeServer): Promise<RunFeed> {
  const feed = new RunFeed("run-1", server);
  void feed.open();
  await settle();
  return feed;
}

/** Everything the page could show of a feed's record. */
function contents(feed: RunFeed) {
  const { record } = feed;
  return {
    step: record.step,
    columns: [...record.columns].map(([key, c]) => [
      key,
      [...c.steps.subarray(0, c.length)],
      [...c.values.subarray(0, c.length)],
      c.min,
      c.max,
    ]),
    events: record.events,
    histograms: [...record.histograms],
  };
}

describe("a feed", () => {
  it("shows the past, then what follows", async () => {
    const server = new FakeServer();
    server.log = [metrics(10, 1), metrics(20, 2)];
    const feed = await opened(server);
    expect(feed.getSnapshot().link).toBe("following");
    expect(server.cursors).toEqual([2]);
    server.log.push(metrics(30, 3));
    server.deliver();
    await vi.advanceTimersByTimeAsync(300);
    expect(feed.getSnapshot().latest).toEqual({ loss: 3 });
    expect(feed.getSnapshot().words).toBe("live, step 30");
  });

  it("renews React at most four times a second, and tells charts of every frame", async () => {
    const server = new FakeServer();
    const feed = await opened(server);
    await vi.advanceTimersByTimeAsync(1000);
    let renewed = 0;
    let drawn = 0;
    feed.subscribe(() => (renewed += 1));
    feed.onData(() => (drawn += 1));
    for (let i = 1; i <= 60; i++) {
      server.log.push(metrics(i, i));
      server.deliver();
      await vi.advanceTimersByTimeAsync(1000 / 60);
    }
    expect(drawn).toBe(60);
    expect(renewed).toBeLessThanOrEqual(4);
    expect(renewed).toBeGreaterThanOrEqual(3);
  });

  it("says in words that it reconnects, then that the server is gone, then that it is live", async () => {
    const server = new FakeServer();
    server.log = [metrics(10, 1)];
    const feed = await opened(server);
    server.down = true;
    server.cut();
    expect(feed.getSnapshot().words).toBe("reconnecting…, last seen at step 10");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(feed.getSnapshot().words).toBe("server gone, last seen at step 10");
    server.down = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.getSnapshot().words).toBe("live, step 10");
  });

  it("waits longer after each failed attempt, up to ten seconds", async () => {
    const server = new FakeServer();
    await opened(server);
    server.down = true;
    server.cut();
    await vi.advanceTimersByTimeAsync(60_000);
    const inFirstMinute = server.cursors.length;
    await vi.advanceTimersByTimeAsync(60_000);
    // Between 5 and 10 s each from then on: 6 to 12 attempts a minute.
    expect(server.cursors.length - inFirstMinute).toBeGreaterThanOrEqual(6);
    expect(server.cursors.length - inFirstMinute).toBeLessThanOrEqual(12);
  });

  it("tells the state that the server folded, not the last one in the log", async () => {
    const server = new FakeServer();
    server.log = [
      { kind: "event", step: 0, type: "state", data: { state: "running", words: "running" } },
      metrics(20_480, 1),
    ];
    server.run = runDetail({
      state: "interrupted",
      state_words: "interrupted at step 20,480: its process went away",
    });
    const feed = await opened(server);
    expect(feed.getSnapshot().words).toBe("interrupted at step 20,480: its process went away");
  });

  it("follows a change of state and of a setting as the log tells it", async () => {
    const server = new FakeServer();
    const feed = await opened(server);
    server.log.push(
      metrics(10, 1),
      { kind: "event", step: 10, type: "setting", data: { name: "clip_range", from: 0.2, value: 0.4 } },
      { kind: "event", step: 10, type: "state", data: { state: "paused", words: "paused" } },
    );
    server.deliver();
    expect(feed.getSnapshot().words).toBe("paused at step 10");
    expect(feed.getSnapshot().settings).toEqual({ clip_range: 0.4 });
  });

  it("gives up with the server's words when there is no such run", async () => {
    const server = new FakeServer();
    const problem = new ApiProblem({ title: "Not found", status: 404, detail: "run: 'x' is not known" });
    server.events = () => Promise.reject(problem);
    const feed = await opened(server);
    expect(feed.getSnapshot()).toMatchObject({ link: "failed", error: problem });
  });

  it("keeps trying when the server is not there yet", async () => {
    const server = new FakeServer();
    server.log = [metrics(10, 1)];
    const events = server.events.bind(server);
    server.events = () => Promise.reject(serverGoneProblem());
    const feed = await opened(server);
    expect(feed.getSnapshot().link).toBe("reconnecting");
    server.events = events;
    await vi.advanceTimersByTimeAsync(1000);
    expect(feed.getSnapshot().latest).toEqual({ loss: 1 });
  });

  it("reads the past anew after a resync and loses no line of what came meanwhile", async () => {
    const server = new FakeServer();
    server.ring = 5;
    const feed = await opened(server);
    for (let step = 1; step <= 20; step++) server.log.push(metrics(step, step));
    server.deliver(); // too far back: resync
    server.log.push({ kind: "event", step: 20, type: "checkpoint", data: {} });
    server.deliver(); // held until the past is read
    await settle();
    expect(feed.record.columns.get("loss")?.length).toBe(20);
    expect(feed.record.events.map(({ kind }) => kind)).toEqual(["checkpoint"]);
  });
});

it("goes back to the settings in force at the step of a rewind", async () => {
  const server = new FakeServer();
  const feed = await opened(server);
  const change = (step: number, from: number, value: number) =>
    server.log.push({ kind: "event", step, type: "setting", data: { name: "clip_range", from, value } });
  const inForce = async () => {
    server.deliver();
    await vi.advanceTimersByTimeAsync(300); // snapshots are made four times a second
    return feed.getSnapshot().settings.clip_range;
  };
  change(10, 0.2, 0.3);
  change(20, 0.3, 0.9);
  expect(await inForce()).toBe(0.9);
  server.log.push({ kind: "event", step: 10, type: "rewind", data: { to_step: 10 } });
  expect(await inForce()).toBe(0.3);
  server.log.push({ kind: "event", step: 5, type: "rewind", data: { to_step: 5 } });
  expect(await inForce()).toBe(0.2);
});

const line: fc.Arbitrary<LogLine> = fc.oneof(
  { weight: 6, arbitrary: fc.option(fc.double({ noNaN: true, min: -9, max: 9 }), { nil: null }).map((v) => metrics(0, v)) },
  {
    weight: 2,
    arbitrary: fc.constant<LogLine>({
      kind: "event",
      step: 0,
      type: "histogram",
      data: { name: "ratio", low: 0.5, high: 1.5, counts: [[1, 2]] },
    }),
  },
  { weight: 1, arbitrary: fc.constant<LogLine>({ kind: "event", step: 0, type: "checkpoint", data: {} }) },
  { weight: 1, arbitrary: fc.constant<LogLine>({ kind: "event", step: 0, type: "stage", data: {} }) },
  { weight: 1, arbitrary: fc.constant<LogLine>({ kind: "event", step: 0, type: "rewind", data: {} }) },
);

/** Give the lines of a log the steps of a run: rising, and set back by a rewind. */
function withSteps(lines: LogLine[]): LogLine[] {
  let step = 0;
  return lines.map((entry) => {
    if (entry.kind === "metrics") return { ...entry, step: (step += 10) };
    if (entry.type === "rewind") {
      step = Math.floor(step / 20) * 10;
      return { ...entry, step, data: { to_step: step } };
    }
    return { ...entry, step };
  });
}

/** What happens while a feed follows: lines are written, some delivered, the connection is cut. */
const happening = fc.oneof(
  fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant("cut" as const), count: fc.constant(0) }),
  fc.record({ do: fc.constant("wait" as const), count: fc.constant(0) }),
);

describe("any cut and reconnect", () => {
  it("ends in the same record as reading the whole log at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 60 }),
        fc.array(happening, { maxLength: 40 }),
        fc.constantFrom(Number.POSITIVE_INFINITY, 12),
        fc.integer({ min: 0, max: 5 }),
        async (lines, happenings, ring, overlap) => {
          const whole = withSteps(lines);
          const server = new FakeServer();
          server.ring = ring;
          server.overlap = overlap;
          const feed = new RunFeed("run-1", server);
          void feed.open();
          let written = 0;
          for (const { do: what, count } of happenings) {
            if (what === "write") server.log = whole.slice(0, (written += count));
            else if (what === "deliver") server.deliver(count, 3);
            else if (what === "cut") server.cut();
            else await vi.advanceTimersByTimeAsync(700);
            written = Math.min(written, whole.length);
          }
          server.log = whole;
          await vi.advanceTimersByTimeAsync(20_000);
          server.deliver();
          await vi.advanceTimersByTimeAsync(20_000);

          const fresh = new FakeServer();
          fresh.log = whole;
          const reference = new RunFeed("run-1", fresh);
          void reference.open();
          await settle();
          expect(contents(feed)).toEqual(contents(reference));
          feed.close();
          reference.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});

import type { Wire } from "../api/client";
import type { Frame, RunEvent } from "./record";
import type { ConnectionHandlers, ServerMessage, Transport } from "./transport";

/** One line of a run's log, for tests: a row of metrics or another event. */
export type LogLine =
  | { kind: "metrics"; step: number; values: Record<string, number | null> }
  | { kind: "event"; step: number; type: string; data: Record<string, unknown> };

/** A run's description with everything a page may ask of it. */
export function runDetail(change: Partial<Wire["RunDetail"]> = {}): Wire["RunDetail"] {
  return {
    id: "run-1",
    title: "CartPole-v1, seed 1",
    kind: "control",
    environment: "CartPole-v1",
    preset: "cartpole",
    seed: 1,
    state: "running",
    state_words: "running from step 0",
    step: 0,
    total_steps: 1000,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    recorded: false,
    latest: {},
    can_resume: false,
    head: 0,
    config: { clip_range: 0.2 },
    versions: {},
    settings: [
      {
        name: "clip_range",
        label: "Clip range ε",
        value: 0.2,
        initial: 0.2,
        minimum: 0.02,
        maximum: 1,
        step: 0.02,
        description: "How far the ratio may move.",
        logarithmic: false,
      },
    ],
    metrics: [],
    resumable_step: null,
    ...change,
  };
}

/**
 * A server that keeps one run's log and follows it as the protocol says: in the order of the log,
 * from a cursor, neighbouring metric lines as one frame. Tests write lines, let some be delivered,
 * and cut connections.
 */
export class FakeServer implements Transport {
  log: LogLine[] = [];
  run = runDetail();
  /** Refuses to answer while true. */
  down = false;
  /** A cursor older than this many lines gets `resync`. */
  ring = Number.POSITIVE_INFINITY;
  /** Lines before a client's cursor that it is sent again, as a careless server might. */
  overlap = 0;
  /** The cursors that clients followed from. */
  cursors: number[] = [];
  #followers = new Map<ConnectionHandlers, number>();

  async detail(): Promise<Wire["RunDetail"]> {
    this.#answer();
    return { ...this.run, head: this.log.length };
  }

  async events(): Promise<{ events: RunEvent[]; cursor: number }> {
    this.#answer();
    const events = this.log.flatMap((line, i) => (line.kind === "event" ? [toEvent(line, i + 1)] : []));
    return { events, cursor: this.log.length };
  }

  async series(): Promise<Wire["Series"]> {
    this.#answer();
    const series: Record<string, { step: number[]; value: (number | null)[] }> = {};
    for (const line of this.log) {
      if (line.kind === "metrics") {
        for (const [key, value] of Object.entries(line.values)) {
          series[key] ??= { step: [], value: [] };
          series[key].step.push(line.step);
          series[key].value.push(value);
        }
      } else if (line.type === "rewind") {
        for (const column of Object.values(series)) {
          const kept = column.step.filter((step) => step <= Number(line.data.to_step)).length;
          column.step.length = kept;
          column.value.length = kept;
        }
      }
    }
    return { cursor: this.log.length, from_step: 0, to_step: 0, series };
  }

  follow(_id: string, cursor: number, handlers: ConnectionHandlers) {
    this.cursors.push(cursor);
    this.#followers.set(handlers, Math.max(0, cursor - this.overlap));
    queueMicrotask(() => {
      if (!this.#followers.has(handlers)) return;
      if (this.down) this.#end(handlers);
      else handlers.onMessage({ type: "hello", protocol: 1, run: this.run, head: this.log.length, keys: [] });
    });
    return { send: () => undefined, close: () => void this.#followers.delete(handlers) };
  }

  /** Deliver at most `lines` log lines to each follower; `frame` rows at most in one frame. */
  deliver(lines = Number.POSITIVE_INFINITY, frame = 3): void {
    for (const [handlers, cursor] of this.#followers) {
      if (this.log.length - cursor > this.ring) {
        const to = this.log.length;
        this.#followers.set(handlers, to);
        handlers.onMessage({ type: "resync", from_seq: cursor, to_seq: to });
        continue;
      }
      const to = Math.min(this.log.length, cursor + lines);
      this.#followers.set(handlers, to);
      for (const message of messages(this.log, cursor, to, frame)) handlers.onMessage(message);
    }
  }

  /** Say to all followers that the log has ended for now. */
  done(): void {
    for (const handlers of this.#followers.keys()) handlers.onMessage({ type: "done", run: this.run });
  }

  cut(): void {
    for (const handlers of [...this.#followers.keys()]) this.#end(handlers);
  }

  #end(handlers: ConnectionHandlers): void {
    this.#followers.delete(handlers);
    handlers.onEnd();
  }

  #answer(): void {
    if (this.down) throw Object.assign(new Error("down"), { name: "TypeError" });
  }
}

function toEvent(line: LogLine & { kind: "event" }, seq: number): RunEvent {
  return { seq, step: line.step, t: seq, kind: line.type, data: line.data };
}

function* messages(
  log: LogLine[],
  from: number,
  to: number,
  most: number,
): Generator<ServerMessage> {
  let rows: Frame | null = null;
  for (let i = from; i < to; i++) {
    const line = log[i]!;
    if (line.kind === "metrics") {
      rows ??= { type: "frame", seq: [], step: [], t: [], series: {} };
      rows.seq.push(i + 1);
      rows.step.push(line.step);
      rows.t.push(i + 1);
      for (const [key, value] of Object.entries(line.values)) (rows.series[key] ??= []).push(value);
      if (rows.seq.length < most) continue;
    }
    if (rows) yield rows;
    rows = null;
    if (line.kind === "event") yield { type: "event", event: toEvent(line, i + 1) };
  }
  if (rows) yield rows;
}

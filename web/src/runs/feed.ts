import type { Wire } from "../api/client";
import { ApiProblem, asProblem } from "../api/problem";
import { RunRecord, type RunEvent } from "./record";
import type { Connection, ServerMessage, Transport } from "./transport";
import { type Link, type RunState, stateWords } from "./words";

/** What React sees of a run; a new object at most four times a second. */
export interface FeedSnapshot {
  link: Link;
  /** Null until the first answer. */
  run: Wire["RunDetail"] | null;
  state: RunState | null;
  words: string;
  step: number;
  latest: Record<string, number | null>;
  settings: Record<string, number>;
  error: ApiProblem | null;
  /** Grows with each snapshot. */
  version: number;
}

const SNAPSHOT_EVERY = 250; // ms; numbers that change faster than this cannot be read
const SEEN_HZ = 20;
const HIDDEN_HZ = 5;
const FIRST_RETRY = 500; // ms
const LONGEST_RETRY = 10_000;
const GONE_AFTER = 3; // failed attempts until we say that the server is gone
const PING_EVERY = 20_000;

/**
 * Follows one run: reads its past, then its log as it grows, and goes on after any cut. It knows
 * nothing of React; `onData` tells charts that there is something to draw, `subscribe` tells
 * components that numbers or words changed.
 */
export class RunFeed {
  record = new RunRecord();
  readonly id: string;
  #transport: Transport;
  #connection: Connection | null = null;
  #link: Link = "opening";
  #run: Wire["RunDetail"] | null = null;
  #state: RunState | null = null;
  #stateWords = "";
  #settings: Record<string, number> = {};
  #error: ApiProblem | null = null;
  #attempts = 0;
  #closed = false;
  /** Messages that came while the past is read anew after a resync. */
  #held: ServerMessage[] | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #snapshotTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;
  #dataListeners = new Set<() => void>();
  #listeners = new Set<() => void>();
  #snapshot: FeedSnapshot;

  constructor(id: string, transport: Transport) {
    this.id = id;
    this.#transport = transport;
    this.#snapshot = this.#makeSnapshot();
  }

  /** Read the past and start following. */
  async open(): Promise<void> {
    try {
      const record = new RunRecord();
      const run = await this.#readPast(record);
      if (this.#closed) return;
      this.record = record;
      this.#take(run);
      this.#error = null;
      this.#tell();
      this.#follow();
    } catch (error) {
      if (this.#closed) return;
      const problem = asProblem(error);
      if (problem.serverGone || problem.status >= 500) {
        this.#retry(() => void this.open());
        return;
      }
      this.#link = "failed";
      this.#error = problem;
      this.#tell(true);
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#connection = null;
    this.#link = "closed";
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#snapshotTimer) clearTimeout(this.#snapshotTimer);
    if (this.#pingTimer) clearInterval(this.#pingTimer);
  }

  /** Try at once instead of waiting out the backoff. */
  retryNow(): void {
    if (this.#retryTimer === null) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    if (this.#run) this.#follow();
    else void this.open();
  }

  /** Take in a newer description of the run, as an answer to a control carries it. */
  update(run: Wire["RunDetail"]): void {
    this.#take(run);
    this.#tell(true);
  }

  /** The page became seen or hidden: ask for frames as often as anyone can look. */
  setSeen(seen: boolean): void {
    this.#connection?.send({ type: "subscribe", hz: seen ? SEEN_HZ : HIDDEN_HZ, keys: null });
  }

  /** Called after each change of the data; draw from `record` in the next animation frame. */
  onData = (listener: () => void): (() => void) => {
    this.#dataListeners.add(listener);
    return () => this.#dataListeners.delete(listener);
  };

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = (): FeedSnapshot => this.#snapshot;

  /** Events first: the series' answer is then never older (see RunRecord.addEvent). */
  async #readPast(record: RunRecord): Promise<Wire["RunDetail"]> {
    const events = await this.#transport.events(this.id);
    record.loadEvents(events.events, events.cursor);
    record.loadSeries(await this.#transport.series(this.id));
    return this.#transport.detail(this.id);
  }

  #follow(): void {
    const connection = this.#transport.follow(this.id, this.record.cursor, {
      onMessage: (message) => {
        if (this.#connection === connection) this.#receive(message);
      },
      onEnd: () => {
        if (this.#closed || this.#connection !== connection) return;
        this.#connection = null;
        this.#held = null;
        this.#retry(() => this.#follow());
      },
    });
    this.#connection = connection;
  }

  #retry(again: () => void): void {
    this.#attempts += 1;
    this.#link = this.#attempts > GONE_AFTER ? "gone" : "reconnecting";
    if (this.#pingTimer) clearInterval(this.#pingTimer);
    const longest = Math.min(FIRST_RETRY * 2 ** (this.#attempts - 1), LONGEST_RETRY);
    // Full jitter, so that many pages do not come back in the same instant.
    const wait = longest / 2 + (Math.random() * longest) / 2;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      again();
    }, wait);
    this.#tell(true);
  }

  #receive(message: ServerMessage): void {
    if (this.#held && (message.type === "frame" || message.type === "event")) {
      this.#held.push(message);
      return;
    }
    switch (message.type) {
      case "hello":
        this.#greeted(message.run);
        break;
      case "frame":
        this.record.addFrame(message);
        this.#tell();
        break;
      case "event":
        // The state and the settings follow the log too, but a line seen before says nothing new.
        if (message.event.seq > this.record.eventCursor) this.#note(message.event);
        this.record.addEvent(message.event);
        if (message.event.kind === "rewind") this.#settings = this.#settingsInForce();
        this.#tell(message.event.kind === "state");
        break;
      case "resync":
        void this.#resync();
        break;
      case "done":
        this.#take(message.run);
        this.#tell(true);
        break;
      case "pong":
        break;
      case "error":
        this.#error = new ApiProblem(message.problem);
        this.#tell(true);
        break;
    }
  }

  #greeted(run: Wire["RunDetail"]): void {
    this.#attempts = 0;
    this.#link = "following";
    this.#error = null;
    this.#take(run);
    this.setSeen(typeof document === "undefined" || !document.hidden);
    if (this.#pingTimer) clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => this.#connection?.send({ type: "ping" }), PING_EVERY);
    this.#tell(true);
  }

  /** We lag too far behind: read the past anew, holding back what comes meanwhile. */
  async #resync(): Promise<void> {
    const connection = this.#connection;
    this.#held = [];
    try {
      const record = new RunRecord();
      const run = await this.#readPast(record);
      if (this.#closed || this.#connection !== connection) return;
      const held = this.#held ?? [];
      this.#held = null;
      this.record = record;
      this.#take(run);
      for (const message of held) this.#receive(message);
      this.#tell();
    } catch {
      if (this.#closed || this.#connection !== connection) return;
      connection?.close();
      this.#connection = null;
      this.#held = null;
      this.#retry(() => void this.open());
    }
  }

  #take(run: Wire["RunDetail"]): void {
    this.#run = run;
    this.#state = run.state;
    this.#stateWords = run.state_words;
    this.#settings = Object.fromEntries(run.settings.map(({ name, value }) => [name, value]));
  }

  #note(event: RunEvent): void {
    const { data } = event;
    if (event.kind === "state" && typeof data.state === "string") {
      this.#state = data.state as RunState;
      this.#stateWords = typeof data.words === "string" ? data.words : "";
    } else if (event.kind === "setting" && typeof data.name === "string") {
      this.#settings = { ...this.#settings, [data.name]: Number(data.value) };
    }
  }

  /** What the run was started with, changed as the log that still holds tells. */
  #settingsInForce(): Record<string, number> {
    const first = (this.#run?.settings ?? []).map(({ name, initial }) => [name, initial]);
    return { ...Object.fromEntries(first), ...this.record.settingsAt() };
  }

  #tell(atOnce = false): void {
    for (const listener of this.#dataListeners) listener();
    if (atOnce) this.#publish();
    else this.#snapshotTimer ??= setTimeout(() => this.#publish(), SNAPSHOT_EVERY);
  }

  #publish(): void {
    if (this.#snapshotTimer) clearTimeout(this.#snapshotTimer);
    this.#snapshotTimer = null;
    this.#snapshot = this.#makeSnapshot();
    for (const listener of this.#listeners) listener();
  }

  #makeSnapshot(): FeedSnapshot {
    const step = Math.max(this.record.step, 0);
    return {
      link: this.#link,
      run: this.#run,
      state: this.#state,
      words: this.#state ? stateWords(this.#link, this.#state, this.#stateWords, step) : "opening…",
      step,
      latest: this.record.metricsAt(),
      settings: this.#settings,
      error: this.#error,
      version: (this.#snapshot?.version ?? 0) + 1,
    };
  }
}

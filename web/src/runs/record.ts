import type { Wire } from "../api/client";
import { Column } from "./column";

export type RunEvent = Wire["RunEvent"];
export type Frame = Wire["FrameMessage"];

/** A histogram as the log holds it: one row of counts per epoch of the update. */
export interface HistogramData {
  name: string;
  low: number;
  high: number;
  counts: number[][];
}

/** Kinds of events that the page keeps; the log holds more (stages, tensors). */
export const KEPT_KINDS = [
  "state",
  "setting",
  "checkpoint",
  "rewind",
  "alert",
  "histogram",
  "sample",
] as const;

const KEPT: ReadonlySet<string> = new Set(KEPT_KINDS);

/**
 * What is known of a run, folded from its log. The fold does not care how the log arrived: read at
 * once, followed live, or cut and resumed any number of times, the same lines give the same record.
 *
 * Two cursors say up to which line (sequence number) metrics and events were consumed. They differ
 * only between reading the past, which comes as two answers, and the first live message after it.
 */
export class RunRecord {
  columns = new Map<string, Column>();
  /** Kept events in the order of the log, without histograms. */
  events: RunEvent[] = [];
  /** Histogram events by name, in the order of the log. */
  histograms = new Map<string, RunEvent[]>();
  metricCursor = 0;
  eventCursor = 0;
  /** The latest step that anything was recorded at. */
  step = 0;

  /** The place to follow the log from without missing a line. */
  get cursor(): number {
    return Math.min(this.metricCursor, this.eventCursor);
  }

  /** Take in the past's events. Call before `loadSeries`, whose answer is then the newer one. */
  loadEvents(events: RunEvent[], cursor: number): void {
    for (const event of events) this.#keep(event);
    this.eventCursor = Math.max(this.eventCursor, cursor);
  }

  /** Take in the past's metrics, already folded by the server. */
  loadSeries(series: Wire["Series"]): void {
    for (const [key, points] of Object.entries(series.series)) {
      const column = new Column();
      points.step.forEach((step, i) => column.push(step, points.value[i]));
      this.columns.set(key, column);
      this.#reach(column.lastStep ?? 0);
    }
    this.metricCursor = Math.max(this.metricCursor, series.cursor);
  }

  /** Append a live frame; rows that were consumed before are dropped by their sequence number. */
  addFrame(frame: Frame): void {
    for (let row = 0; row < frame.seq.length; row++) {
      const seq = frame.seq[row]!;
      if (seq <= this.metricCursor) continue;
      const step = frame.step[row]!;
      for (const [key, values] of Object.entries(frame.series)) {
        // A key that this row's line did not have comes as null too; it shows as a break.
        this.#column(key).push(step, values[row]);
      }
      this.#reach(step);
      this.#consumed(seq);
    }
  }

  /** Append a live event; one that was consumed before is dropped. */
  addEvent(event: RunEvent): void {
    if (event.seq <= this.eventCursor) return;
    // Rows read by `loadSeries` up to the metric cursor know of this rewind already.
    if (event.kind === "rewind" && event.seq > this.metricCursor) {
      const to = rewindTarget(event);
      for (const column of this.columns.values()) column.dropAfter(to);
    }
    this.#keep(event);
    this.#consumed(event.seq);
  }

  /** The newest value of each metric at or before `step` (default: now). */
  metricsAt(step = Number.POSITIVE_INFINITY): Record<string, number | null> {
    const found: Record<string, number | null> = {};
    for (const [key, column] of this.columns) {
      const value = column.valueAt(step);
      if (value !== undefined) found[key] = value;
    }
    return found;
  }

  /** The settings that were changed by `step` (default: now), as that left them. */
  settingsAt(step = Number.POSITIVE_INFINITY): Record<string, number> {
    const changes = this.events.filter((event) => event.kind === "setting" && event.step <= step);
    return Object.fromEntries(
      changes.map(({ data }) => [String(data.name), Number(data.value)]),
    );
  }

  /** The newest histogram of that name at or before `step` (default: now). */
  histogramAt(name: string, step = Number.POSITIVE_INFINITY): RunEvent | null {
    return this.histograms.get(name)?.findLast((event) => event.step <= step) ?? null;
  }

  /** Steps at which something was measured, rising: the positions a replay can show. */
  measuredSteps(): Float64Array {
    let longest: Column | null = null;
    for (const column of this.columns.values()) {
      if (!longest || column.length > longest.length) longest = column;
    }
    return longest ? longest.steps.subarray(0, longest.length) : new Float64Array(0);
  }

  #column(key: string): Column {
    let column = this.columns.get(key);
    if (!column) {
      column = new Column();
      this.columns.set(key, column);
    }
    return column;
  }

  #keep(event: RunEvent): void {
    if (!KEPT.has(event.kind)) return;
    if (event.kind === "rewind") this.#forgetAfter(rewindTarget(event));
    this.#reach(event.step);
    if (event.kind !== "histogram") {
      this.events.push(event);
      return;
    }
    const name = String(event.data.name);
    const list = this.histograms.get(name);
    if (list) list.push(event);
    else this.histograms.set(name, [event]);
  }

  /** After a rewind, what lies behind the checkpoint did not happen. */
  #forgetAfter(step: number): void {
    this.events = this.events.filter((event) => event.step <= step);
    for (const [name, list] of this.histograms) {
      this.histograms.set(
        name,
        list.filter((event) => event.step <= step),
      );
    }
    this.step = step;
    for (const column of this.columns.values()) this.#reach(column.lastStep ?? 0);
  }

  #reach(step: number): void {
    this.step = Math.max(this.step, step);
  }

  /** Live messages come in the order of the log, so everything up to here is consumed. */
  #consumed(seq: number): void {
    this.metricCursor = Math.max(this.metricCursor, seq);
    this.eventCursor = Math.max(this.eventCursor, seq);
  }
}

function rewindTarget(event: RunEvent): number {
  return Number(event.data.to_step);
}

/** The data of a histogram event, typed. */
export function histogramData(event: RunEvent): HistogramData {
  return event.data as unknown as HistogramData;
}

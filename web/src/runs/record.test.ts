import { describe, expect, it } from "vitest";

import { Column } from "./column";
import { RunRecord, type RunEvent } from "./record";

const event = (seq: number, step: number, kind: string, data: Record<string, unknown>): RunEvent => ({
  seq,
  step,
  t: seq,
  kind,
  data,
});
const frame = (seq: number[], step: number[], values: (number | null)[]) => ({
  type: "frame" as const,
  seq,
  step,
  t: seq,
  series: { loss: values },
});
const points = (column: Column | undefined) =>
  Array.from({ length: column?.length ?? 0 }, (_, i) => [column!.steps[i], column!.values[i]]);

describe("a column", () => {
  it("keeps all points while it grows past its first arrays", () => {
    const column = new Column();
    for (let i = 0; i < 1000; i++) column.push(i * 2, i - 500);
    expect(column.length).toBe(1000);
    expect(column.valueAt(1998)).toBe(499);
    expect([column.min, column.max]).toEqual([-500, 499]);
  });

  it("answers with the newest value at or before a step", () => {
    const column = new Column();
    column.push(10, 1);
    column.push(20, null);
    column.push(30, 3);
    expect(column.valueAt(9)).toBeUndefined();
    expect(column.valueAt(10)).toBe(1);
    expect(column.valueAt(29)).toBeNull();
    expect(column.valueAt(99)).toBe(3);
  });

  it("forgets later points and their extremes", () => {
    const column = new Column();
    for (const [step, value] of [[1, 5], [2, 900], [3, -900]] as const) column.push(step, value);
    column.dropAfter(1);
    expect(points(column)).toEqual([[1, 5]]);
    expect([column.min, column.max]).toEqual([5, 5]);
  });
});

describe("a run's record", () => {
  it("drops rows it has consumed, also from the middle of a frame", () => {
    const record = new RunRecord();
    record.addFrame(frame([1, 2], [10, 20], [0.1, 0.2]));
    record.addFrame(frame([2, 3], [20, 30], [0.2, 0.3]));
    expect(points(record.columns.get("loss"))).toEqual([[10, 0.1], [20, 0.2], [30, 0.3]]);
  });

  it("forgets points, events and histograms behind a rewind", () => {
    const record = new RunRecord();
    record.addFrame(frame([1], [10], [1]));
    record.addEvent(event(2, 10, "histogram", { name: "ratio", low: 0, high: 2, counts: [[1]] }));
    record.addEvent(event(3, 10, "checkpoint", { file: "a" }));
    record.addFrame(frame([4], [20], [2]));
    record.addEvent(event(5, 20, "histogram", { name: "ratio", low: 0, high: 2, counts: [[2]] }));
    record.addEvent(event(6, 20, "setting", { name: "clip_range", from: 0.2, value: 0.3 }));
    record.addEvent(event(7, 10, "rewind", { to_step: 10 }));
    expect(points(record.columns.get("loss"))).toEqual([[10, 1]]);
    expect(record.step).toBe(10);
    expect(record.events.map(({ kind }) => kind)).toEqual(["checkpoint", "rewind"]);
    expect(record.histogramAt("ratio")?.seq).toBe(2);
    expect(record.settingsAt()).toEqual({});
  });

  it("keeps points read after a rewind that is told again by the socket", () => {
    const record = new RunRecord();
    record.loadEvents([], 2); // the rewind is line 3 and was not written yet
    record.loadSeries({
      cursor: 5,
      from_step: 0,
      to_step: 30,
      series: { loss: { step: [10, 30], value: [1, 3] } },
    });
    record.addEvent(event(3, 10, "rewind", { to_step: 10 }));
    expect(points(record.columns.get("loss"))).toEqual([[10, 1], [30, 3]]);
    expect(record.step).toBe(30);
  });

  it("finds the histogram and the metrics in force at a step", () => {
    const record = new RunRecord();
    record.addFrame(frame([1, 2], [10, 20], [1, null]));
    record.addEvent(event(3, 20, "histogram", { name: "ratio", low: 0, high: 2, counts: [[1]] }));
    expect(record.metricsAt(15)).toEqual({ loss: 1 });
    expect(record.metricsAt()).toEqual({ loss: null });
    expect(record.histogramAt("ratio", 19)).toBeNull();
    expect(record.histogramAt("ratio", 20)?.seq).toBe(3);
  });

  it("knows the settings as the changes up to a step left them", () => {
    const record = new RunRecord();
    record.addEvent(event(1, 10, "setting", { name: "clip_range", from: 0.2, value: 0.3 }));
    record.addEvent(event(2, 20, "setting", { name: "clip_range", from: 0.3, value: 0.5 }));
    record.addEvent(event(3, 20, "setting", { name: "learning_rate", from: 0.1, value: 0.2 }));
    expect(record.settingsAt(9)).toEqual({});
    expect(record.settingsAt(19)).toEqual({ clip_range: 0.3 });
    expect(record.settingsAt()).toEqual({ clip_range: 0.5, learning_rate: 0.2 });
    record.addEvent(event(4, 10, "rewind", { to_step: 10 }));
    expect(record.settingsAt()).toEqual({ clip_range: 0.3 });
  });

  it("does not keep kinds of events that the page never shows", () => {
    const record = new RunRecord();
    record.addEvent(event(1, 10, "stage", { name: "rollout", seconds: 0.1 }));
    expect(record.events).toEqual([]);
    expect(record.cursor).toBe(1);
  });
});

import { describe, expect, it } from "vitest";

import { actionWords, outcome, placeAt, returnsSoFar, sheetAddress, shortNumber } from "./episodes";

const frames = { steps: [0, 2, 4, 6, 8, 10, 11], width: 30, height: 20, columns: 2, rows: 2, sheets: 2 };

describe("the picture before a step", () => {
  it.each([
    // t, sheet, column, row, taken before step
    [0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
    [2, 0, 1, 0, 2],
    [5, 0, 0, 1, 4],
    [7, 0, 1, 1, 6],
    [8, 1, 0, 0, 8],
    [11, 1, 0, 1, 11],
  ])("%i lies on sheet %i, column %i, row %i", (t, sheet, column, row, step) => {
    expect(placeAt(frames, t)).toMatchObject({ sheet, column, row, step });
  });

  it("knows how large a sheet is that is not full", () => {
    expect(placeAt(frames, 0)).toMatchObject({ columns: 2, rows: 2 });
    expect(placeAt(frames, 11)).toMatchObject({ columns: 2, rows: 2 });
    const one = { ...frames, steps: [0, 1, 2, 3, 4], sheets: 2 };
    expect(placeAt(one, 4)).toMatchObject({ sheet: 1, column: 0, row: 0, columns: 1, rows: 1 });
  });
});

it("adds rewards up, those that were not finite as nothing", () => {
  expect(returnsSoFar([1, null, -2.5])).toEqual([0, 1, 1, -1.5]);
});

it("writes actions of every kind, and numbers in few digits", () => {
  expect(actionWords(3)).toBe("3");
  expect(actionWords([0.5, -0.123456])).toBe("0.50, -0.12");
  expect([shortNumber(null), shortNumber(0.00123), shortNumber(20480)]).toEqual(["not finite", "0.00123", "20,480"]);
});

it("says how an episode went", () => {
  const episode = {
    name: "n", step: 512, seed: 4, deterministic: true, episode_return: 12.5, length: 200,
    truncated: true, agents: [], frames_absent: "",
  };
  expect(outcome(episode)).toBe("return 12.50 in 200 steps, cut off by the time limit");
  expect(outcome({ ...episode, truncated: false })).toContain("ended by the task");
});

it("asks for sheets of the run alone", () => {
  expect(sheetAddress("a/b", "step", 3)).toBe("/api/runs/a%2Fb/episodes/step/sheets/3");
});

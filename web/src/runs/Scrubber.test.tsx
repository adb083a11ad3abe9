// @vitest-environment jsdom
import { act, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";

import { actions } from "../actions/registry";
import { layOut } from "../ui/testSetup";
import type { Mark } from "./replay";
import { Scrubber } from "./Scrubber";

layOut();
afterEach(() => vi.unstubAllGlobals());

/** Twenty updates of 512 steps. */
const STEPS = Float64Array.from({ length: 20 }, (_, i) => (i + 1) * 512);
const LAST = 20 * 512;
const MARKS: Mark[] = [
  { step: 1024, kind: "checkpoint", words: "checkpoint" },
  { step: 3072, kind: "setting", words: "clip range 0.2 → 0.3" },
  { step: 5120, kind: "state", words: "paused" },
];

function Page({ start = null }: { start?: number | null }) {
  const [at, setAt] = useState<number | null>(start);
  return <Scrubber steps={STEPS} marks={MARKS} last={LAST} at={at} onMove={setAt} />;
}
const track = () => screen.getByRole("slider", { name: "Step looked at" });
const now = () => Number(track().getAttribute("aria-valuenow"));
const press = (key: string) => fireEvent.keyDown(track(), { key });

/** A reader who asked for less motion. */
function calm() {
  vi.stubGlobal("matchMedia", (query: string) => ({
    matches: query.includes("reduced-motion"),
    addEventListener() {},
    removeEventListener() {},
  }));
}

describe("the track of a run", () => {
  it("moves by one update with the arrows, to the ends with Home and End", () => {
    render(<Page />);
    expect(track().getAttribute("aria-valuetext")).toBe("newest, step 10,240");
    press("ArrowLeft");
    expect(now()).toBe(LAST - 512);
    press("Home");
    expect(track().getAttribute("aria-valuetext")).toBe("step 512 of 10,240");
    press("ArrowRight");
    expect(now()).toBe(1024);
    press("End");
    expect(track().getAttribute("aria-valuetext")).toBe("newest, step 10,240");
  });

  it("moves by a tenth with the page keys and stays within the run", () => {
    render(<Page start={5120} />);
    press("PageUp");
    expect(now()).toBe(5120 + 2 * 512);
    press("PageDown");
    press("PageDown");
    expect(now()).toBe(5120 - 2 * 512);
    press("Home");
    press("PageDown");
    expect(now()).toBe(512);
  });

  it("leaves other keys to the page", () => {
    render(<Page start={5120} />);
    expect(press("a")).toBe(true); // not prevented
    expect(press("ArrowLeft")).toBe(false);
    expect(now()).toBe(5120 - 512);
  });

  it("goes to the events before and after with Shift", () => {
    render(<Page start={2048} />);
    const shift = (key: string, code: string) =>
      act(() => void actions.handle(new KeyboardEvent("keydown", { key, code, shiftKey: true })));
    shift(">", "Period");
    expect(now()).toBe(3072);
    shift("<", "Comma");
    expect(now()).toBe(1024);
  });

  it("marks checkpoints and changed settings where they happened, with their words", () => {
    const { container } = render(<Page />);
    const marks = [...container.querySelectorAll<HTMLElement>(".track-mark")];
    expect(marks.map((mark) => [mark.title, mark.style.left])).toEqual([
      ["checkpoint, step 1,024", "10%"],
      ["clip range 0.2 → 0.3, step 3,072", "30%"],
    ]);
  });
});

describe("playing a run again", () => {
  it("advances at the chosen speed and stops at the newest step", () => {
    const frames: FrameRequestCallback[] = [];
    vi.stubGlobal("requestAnimationFrame", (frame: FrameRequestCallback) => frames.push(frame));
    vi.stubGlobal("cancelAnimationFrame", () => undefined);
    vi.spyOn(performance, "now").mockReturnValue(0);
    render(<Page start={512} />);
    fireEvent.click(screen.getByRole("button", { name: "Play the replay" }));
    const tick = (ms: number) => act(() => frames.at(-1)?.(ms));
    tick(250); // 20 updates a second: five of them
    expect(now()).toBe(512 + 5 * 512);
    tick(2000);
    expect(track().getAttribute("aria-valuetext")).toContain("newest");
    expect(screen.getByRole("button", { name: "Play the replay" })).toBeTruthy();
  });

  it("is not offered to who asked for less motion; single updates are", () => {
    calm();
    render(<Page start={1024} />);
    expect(screen.queryByRole("button", { name: /the replay/ })).toBeNull();
    expect(screen.queryByRole("combobox")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "One update forward" }));
    expect(now()).toBe(1536);
    fireEvent.click(screen.getByRole("button", { name: "One update back" }));
    expect(now()).toBe(1024);
  });
});

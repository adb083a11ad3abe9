// @vitest-environment jsdom
import { act, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";

import { Column } from "../runs/column";
import { layOut } from "../ui/testSetup";
import { MetricCard } from "./MetricCard";
import { RatioHistogram } from "./RatioHistogram";
import { chartSentence } from "./sentence";

layOut(480, 200);

function column(points: [number, number | null][]): Column {
  const made = new Column();
  for (const [step, value] of points) made.push(step, value);
  return made;
}
const whole = (value: number | null | undefined) => (value == null || Number.isNaN(value) ? "–" : String(value));

function Chart({ data, at = null, onData }: { data: Column; at?: number | null; onData?: (listener: () => void) => () => void }) {
  const [reading, setReading] = useState<number | null>(null);
  return (
    <MetricCard
      label="Mean return"
      caption="Mean of the last 100 episodes"
      role="reward"
      read={() => data}
      onData={onData}
      version={1}
      lastStep={data.lastStep ?? 0}
      reference={475}
      referenceLabel="475"
      at={at}
      value={data.valueAt(at ?? Number.POSITIVE_INFINITY)}
      reading={reading}
      onRead={setReading}
      format={whole}
    />
  );
}
const paths = (container: HTMLElement) =>
  [...container.querySelectorAll("path.series")].map((path) => path.getAttribute("d") ?? "");

describe("a line chart", () => {
  it("says what it shows now", () => {
    const data = column([[100, 20], [200, 500], [300, 480]]);
    render(<Chart data={data} />);
    expect(screen.getByRole("img").getAttribute("aria-label")).toBe(
      "Mean return: 480 at step 300, from 20 at step 100; between 20 and 500. It reached the line at 475.",
    );
  });

  it("tells of the time up to the cursor only, and dims what comes after by the token", () => {
    const data = column([[100, 20], [200, 500], [300, 480]]);
    const { container } = render(<Chart data={data} at={150} />);
    expect(screen.getByRole("img").getAttribute("aria-label")).toContain("20 at step 100");
    expect(screen.getByRole("img").getAttribute("aria-label")).toContain("has not reached");
    const [future, past] = [...container.querySelectorAll<SVGPathElement>("path.series")];
    expect(future?.style.stroke).toBe("var(--reward-past)");
    expect(future?.getAttribute("d")?.match(/[ML]/g)).toHaveLength(3);
    expect(past?.style.stroke).toBe("var(--reward)");
    expect(past?.getAttribute("d")).toMatch(/^M[^L]*Z$/);
  });

  it("shows a value that was not finite as a break in the line", () => {
    const data = column([[100, 1], [200, 2], [300, null], [400, 3], [500, 4]]);
    const { container } = render(<Chart data={data} />);
    expect(paths(container)[1]?.match(/M/g)).toHaveLength(2);
  });

  it("draws new points once a frame, without React", () => {
    let arrive: () => void = () => undefined;
    const frames: FrameRequestCallback[] = [];
    vi.stubGlobal("requestAnimationFrame", (run: FrameRequestCallback) => frames.push(run));
    const data = column([[100, 1], [200, 2]]);
    const { container } = render(
      <Chart
        data={data}
        onData={(listener) => {
          arrive = listener;
          return () => undefined;
        }}
      />,
    );
    const before = paths(container)[1];
    data.push(250, 3);
    arrive();
    arrive();
    expect(frames).toHaveLength(1);
    expect(paths(container)[1]).toBe(before);
    frames[0]?.(0);
    expect(paths(container)[1]?.match(/[ML]/g)).toHaveLength(3);
    vi.unstubAllGlobals();
    layOut(480, 200);
  });

  it("is read by the arrow keys and gives the value in words", () => {
    render(<Chart data={column([[100, 20], [200, 500], [300, 480]])} />);
    const reader = screen.getByRole("slider", { name: "Read Mean return" });
    act(() => reader.focus());
    fireEvent.keyDown(reader, { key: "ArrowLeft" });
    expect(reader.getAttribute("aria-valuetext")).toBe("step 200: 500");
    expect(screen.getByText("500 at step 200")).toBeTruthy();
    fireEvent.keyDown(reader, { key: "Home" });
    expect(reader.getAttribute("aria-valuetext")).toBe("step 100: 20");
    fireEvent.keyDown(reader, { key: "Escape" });
    expect(screen.queryByText("20 at step 100")).toBeNull();
  });

  it("is read by the pointer at the step under it", () => {
    render(<Chart data={column([[100, 20], [200, 500], [300, 480]])} />);
    const reader = screen.getByRole("slider", { name: "Read Mean return" });
    // The plot is 480 − 44 − 8 = 428 px wide for 300 steps, so 286 px is step 200.5.
    fireEvent.pointerMove(reader, { clientX: 286 });
    expect(screen.getByText("500 at step 200")).toBeTruthy();
    fireEvent.pointerMove(reader, { clientX: 284 });
    expect(screen.getByText("20 at step 100")).toBeTruthy();
    fireEvent.pointerLeave(reader);
    expect(screen.queryByText("20 at step 100")).toBeNull();
  });

  it("has its data as a table behind a toggle", () => {
    render(<Chart data={column([[100, 20], [200, null]])} />);
    fireEvent.click(screen.getByRole("button", { name: "Mean return as a table" }));
    const cells = screen.getAllByRole("cell").map((cell) => cell.textContent);
    expect(cells).toEqual(["100", "20", "200", "not finite"]);
  });

  it("says so when nothing was recorded", () => {
    expect(chartSentence("Entropy", undefined, { format: whole })).toBe("Entropy: nothing recorded yet.");
    expect(chartSentence("Entropy", column([[50, 1]]), { at: 10, format: whole })).toBe(
      "Entropy: nothing recorded up to step 10.",
    );
  });
});

describe("the ratio histogram", () => {
  // Ten bins of 0.1 on [0.5, 1.5]; the band 1 ± 0.2 covers the bins from 0.8 to 1.2.
  const counts = [
    [0, 0, 0, 0, 8, 8, 0, 0, 0, 0],
    [1, 0, 1, 0, 4, 4, 4, 1, 0, 1],
  ];
  it("tells the share outside the band for each epoch", () => {
    const { container } = render(
      <RatioHistogram
        data={{ name: "ratio", low: 0.5, high: 1.5, counts }}
        step={512}
        clipRange={0.2}
        height={120}
      />,
    );
    expect(screen.getByRole("img").getAttribute("aria-label")).toBe(
      // 4 of 16 samples of the second epoch.
      "Probability ratios of one update. Epoch 1: 0.0 % outside; Epoch 2: 25.0 % outside.",
    );
    expect(container.querySelectorAll(".bar-outside")).toHaveLength(4);
    expect(container.querySelectorAll(".bar-inside")).toHaveLength(5);
  });

  it("claims no share while the band is not known", () => {
    render(
      <RatioHistogram data={{ name: "ratio", low: 0.5, high: 1.5, counts }} step={512} clipRange={null} height={120} />,
    );
    expect(screen.getByRole("img").getAttribute("aria-label")).toContain("Epoch 1: band unknown");
    expect(screen.queryByText(/%/)).toBeNull();
  });
});

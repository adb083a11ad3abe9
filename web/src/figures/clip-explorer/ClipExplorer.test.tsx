// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { ClipExplorer, type RunRatios } from "./ClipExplorer";
import { type ClipState, DEFAULT_STATE } from "./state";

afterEach(cleanup);

// Ten bins of 0.1 from 0.5; in the second epoch 20 of 100 samples lie outside 1 ± 0.2.
const RATIOS: RunRatios = {
  title: "CartPole-v1, your run, seed 3",
  clipRange: 0.2,
  steps: [4096],
  live: false,
  histogram: {
    low: 0.5,
    high: 1.5,
    step: 4096,
    counts: [
      [0, 0, 0, 0, 50, 50, 0, 0, 0, 0],
      [4, 4, 4, 20, 20, 20, 20, 4, 2, 2],
    ],
  },
};

function Explorer({ start = {}, ratios = RATIOS }: { start?: Partial<ClipState>; ratios?: RunRatios | null }) {
  const [state, setState] = useState<ClipState>({ ...DEFAULT_STATE, ...start });
  return (
    <ClipExplorer
      state={state}
      onChange={(change) => setState((now) => ({ ...now, ...change }))}
      ratios={ratios}
      noRatios="No run yet."
    />
  );
}
const point = () => screen.getByRole("slider", { name: /^Probability ratio/ });
const readout = (name: string) => screen.getByText(name, { selector: "dt" }).nextSibling?.textContent;

describe("the clip explorer by keyboard", () => {
  it("moves the point with the arrows and says where it is", async () => {
    render(<Explorer start={{ ratio: 1.19 }} />);
    const user = userEvent.setup();
    point().focus();
    expect(point().getAttribute("aria-valuetext")).toContain("gradient raises r");
    await user.keyboard("{ArrowRight}{ArrowRight}");
    expect(point().getAttribute("aria-valuenow")).toBe("1.21");
    expect(point().getAttribute("aria-valuetext")).toBe("ratio 1.21, objective 1.20, no gradient");
    expect(readout("∂L/∂r")).toContain("0no gradient");
    await user.keyboard("{Home}");
    expect(readout("ratio r")).toBe("0.40");
  });

  it("keeps the gradient on the same side once the sign is flipped", async () => {
    render(<Explorer start={{ ratio: 1.4 }} />);
    expect(readout("objective L")).toBe("1.20");
    await userEvent.setup().click(screen.getByRole("button", { name: /A < 0/ }));
    expect(readout("objective L")).toBe("−1.40");
    expect(readout("∂L/∂r")).toContain("−1.00");
    expect(screen.getByText(/pushes the ratio back down/)).toBeTruthy();
  });
});

describe("the run's ratios under the figure", () => {
  it("shows the last epoch first, and the share outside follows the epoch", () => {
    render(<Explorer />);
    expect(screen.getByText("20.0 %")).toBeTruthy();
    expect(screen.getByRole("img", { name: /100 samples in epoch 2 of 2: 12.0 % below/ })).toBeTruthy();
    fireEvent.change(screen.getByRole("slider", { name: /Epoch/ }), { target: { value: "1" } });
    expect(screen.getByRole("img", { name: /epoch 1 of 2: 0.0 % below the band, 100.0 % inside/ })).toBeTruthy();
  });

  it("does not claim to know which samples keep a gradient unless the run recorded it", () => {
    render(<Explorer />);
    expect(screen.getByText(/cannot be told/)).toBeTruthy();
  });

  it("says how many of those outside keep a gradient when the run recorded both signs", () => {
    const row = (counts: number[]) => ({ low: 0.5, high: 1.5, step: 4096, counts: [counts] });
    render(
      <Explorer
        ratios={{
          ...RATIOS,
          histogram: row([2, 0, 0, 20, 20, 20, 20, 0, 8, 0]),
          positive: row([2, 0, 0, 10, 10, 10, 10, 0, 4, 0]),
          negative: row([0, 0, 0, 10, 10, 10, 10, 0, 4, 0]),
        }}
      />,
    );
    // outside: 2 + 4 + 4; with gradient: good ones below (2) and bad ones above (4)
    expect(screen.getByText(/Of the samples outside, 60.0 % still have a gradient/)).toBeTruthy();
  });

  it("says what the outermost bars stand for, once they hold anything", () => {
    render(<Explorer start={{ epoch: 0 }} />);
    expect(screen.queryByText(/outermost bars/)).toBeNull();
    cleanup();
    render(<Explorer start={{ epoch: 1 }} />);
    expect(screen.getByText(/lies below 0.50 and above 1.50/)).toBeTruthy();
  });

  it("says in words that there is no run", () => {
    render(<Explorer ratios={null} />);
    expect(screen.getByText("No run yet.")).toBeTruthy();
  });
});

it("has no accessibility fault, with its table open", async () => {
  const { container } = render(<Explorer />);
  await userEvent.setup().click(screen.getByRole("button", { name: "Show as a table" }));
  const result = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(result.violations.map((violation) => violation.id)).toEqual([]);
});

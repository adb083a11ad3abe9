// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { layOut } from "../ui/testSetup";
import { RunFeed } from "./feed";
import { RunCharts } from "./RunCharts";
import { FakeServer, runDetail } from "./testing";

layOut(500, 200);

const metric = (key: string, label: string) => ({
  key,
  label,
  unit: "",
  role: "none" as const,
  description: "",
  reference: null,
});

async function feed(): Promise<RunFeed> {
  const server = new FakeServer();
  server.run = runDetail({
    metrics: [metric("return_mean_100", "Mean return"), metric("entropy", "Entropy"), metric("value_loss", "Value loss")],
  });
  server.log = [{ kind: "metrics", step: 512, values: { return_mean_100: 20, entropy: 0.6, value_loss: 9 } }];
  const made = new RunFeed("run-1", server);
  await made.open();
  made.update(server.run); // publishes at once
  return made;
}
const singledOut = () =>
  screen
    .getAllByRole("region")
    .filter((card) => card.hasAttribute("data-focus"))
    .map((card) => card.getAttribute("aria-label"));

describe("charts that the text singles out", () => {
  it("carry the mark, and the others do not", async () => {
    const run = await feed();
    const { rerender } = render(<RunCharts feed={run} narrow focus={["value_loss", "return_mean_100"]} />);
    expect(singledOut()).toEqual(["Mean return", "Value loss"]);
    rerender(<RunCharts feed={run} narrow focus={["entropy"]} />);
    expect(singledOut()).toEqual(["Entropy"]);
    rerender(<RunCharts feed={run} narrow />);
    expect(singledOut()).toEqual([]);
    run.close();
  });

  it("are unfolded where they were folded away; the main one never is", async () => {
    const run = await feed();
    const { container, rerender } = render(<RunCharts feed={run} narrow folded focus={["return_mean_100"]} />);
    const fold = container.querySelector("details")!;
    expect(fold.open).toBe(false);
    rerender(<RunCharts feed={run} narrow folded focus={["entropy"]} />);
    expect(fold.open).toBe(true);
    run.close();
  });
});

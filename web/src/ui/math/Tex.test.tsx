// @vitest-environment jsdom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Tex } from "./Tex";

afterEach(cleanup);

describe("a formula", () => {
  it("carries a role's class into what KaTeX makes of it", async () => {
    const { container } = render(<Tex tex={String.raw`\htmlClass{m-actor}{\pi_\theta}`} />);
    await waitFor(() => expect(container.querySelector(".katex .m-actor")).not.toBeNull());
    expect(container.querySelector(".katex .m-actor")?.textContent).toContain("π");
  });

  it("has MathML for screen readers beside the drawn form", async () => {
    const { container } = render(<Tex tex="r_t" display />);
    await waitFor(() => expect(container.querySelector("math msub")).not.toBeNull());
    expect(container.querySelector(".katex-display")).not.toBeNull();
  });

  it("does not let content set classes other than the roles'", async () => {
    const { container } = render(<Tex tex={String.raw`\htmlClass{site-header}{x}`} />);
    await waitFor(() => expect(container.querySelector(".katex")).not.toBeNull());
    expect(container.querySelector(".site-header")).toBeNull();
  });

  it("shows its source and the reason when it cannot be set", async () => {
    render(<Tex tex={String.raw`\frac{1}{`} />);
    expect(await screen.findByText(/This formula cannot be set/)).toBeTruthy();
    expect(screen.getByText(String.raw`\frac{1}{`)).toBeTruthy();
  });
});

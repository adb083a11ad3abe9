// @vitest-environment jsdom
import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Block, Inline } from "./ast";
import { Blocks } from "./Blocks";

vi.mock("@tanstack/react-router", () => import("./testing/routerStub"));
afterEach(cleanup);

const paragraph = (...children: Inline[]): Block => ({ type: "paragraph", children });
const text = (words: string): Inline => ({ type: "text", text: words });

describe("a lesson's text", () => {
  it("gives each role term its own glyph beside its colour", () => {
    const roles = ["actor", "critic", "reward", "reference"] as const;
    render(<Blocks of={[paragraph(...roles.map((type): Inline => ({ type, children: [text(type)] })))]} />);
    const shapes = roles.map((role) => {
      const term = screen.getByText(role, { exact: false, selector: `.role-${role}` });
      return term.querySelector("svg")?.innerHTML;
    });
    expect(new Set(shapes).size).toBe(4);
    expect(shapes.every(Boolean)).toBe(true);
  });

  it("keeps a heading's level and id, never level 1", () => {
    render(<Blocks of={[{ type: "heading", level: 1, id: "why", children: [text("Why")] }]} />);
    expect(screen.getByRole("heading", { level: 2, name: "Why" }).id).toBe("why");
  });

  it("nests lists and numbers ordered ones", () => {
    const inner: Block = { type: "list", ordered: false, items: [[paragraph(text("inner"))]] };
    render(<Blocks of={[{ type: "list", ordered: true, items: [[paragraph(text("outer")), inner]] }]} />);
    const [outer] = screen.getAllByRole("list");
    expect(outer?.tagName).toBe("OL");
    expect(within(outer!).getByText("inner").closest("ul")).not.toBeNull();
  });

  it("says which file and lines a listing came from", () => {
    render(
      <Blocks of={[{ type: "code", language: "python", text: "x = 1", source: "losses.py:24-30" }]} />,
    );
    expect(screen.getByText("losses.py:24-30")).toBeTruthy();
    expect(screen.getByLabelText("Code from losses.py:24-30").textContent).toBe("x = 1");
  });

  it("makes table headers headers", () => {
    render(
      <Blocks of={[{ type: "table", header: [[text("name")], [text("value")]], rows: [[[text("ε")], [text("0.2")]]] }]} />,
    );
    expect(screen.getAllByRole("columnheader").map((cell) => cell.textContent)).toEqual(["name", "value"]);
    expect(screen.getByRole("cell", { name: "0.2" })).toBeTruthy();
  });

  it("opens outside links in a window of their own and says so; inner ones stay", () => {
    render(
      <Blocks
        of={[
          paragraph(
            { type: "link", href: "https://example.org/", external: true, children: [text("paper")] },
            { type: "link", href: "/runs", external: false, children: [text("runs")] },
          ),
        ]}
      />,
    );
    const outside = screen.getByRole("link", { name: /paper.*another site/ });
    expect(outside.getAttribute("target")).toBe("_blank");
    expect(screen.getByRole("link", { name: "runs" }).getAttribute("target")).toBeNull();
  });

  it("names a note by its title", () => {
    render(
      <Blocks
        of={[
          { type: "directive", name: "note", attributes: { title: "Clip or bound?" }, children: [paragraph(text("It bounds the incentive."))] },
        ]}
      />,
    );
    expect(screen.getByRole("complementary", { name: "Clip or bound?" }).textContent).toContain("incentive");
  });

  it("leads to a challenge by its slug", () => {
    render(
      <Blocks of={[{ type: "directive", name: "challenge", attributes: { slug: "clipped-objective" }, children: [] }]} />,
    );
    expect(screen.getByRole("link").getAttribute("href")).toBe("/challenge/clipped-objective");
  });
});

// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { moved, SortableList } from "./SortableList";

afterEach(cleanup);

function Sorted({ start = ["a", "b", "c"], disabled = false }) {
  const [ids, setIds] = useState(start);
  const items = ids.map((id) => ({ id, name: `Item ${id}`, content: id }));
  return <SortableList label="Letters" items={items} onOrder={setIds} disabled={disabled} />;
}
const order = () => [...document.querySelectorAll(".sortable-content")].map((e) => e.textContent).join("");
const grip = (id: string) => screen.getByRole("button", { name: new RegExp(`^Item ${id}, `) });

describe("moved", () => {
  it("takes one to its new place and keeps the others in their order", () => {
    expect(moved(["a", "b", "c", "d"], 0, 2)).toEqual(["b", "c", "a", "d"]);
    expect(moved(["a", "b", "c", "d"], 3, 1)).toEqual(["a", "d", "b", "c"]);
    expect(moved(["a", "b"], 1, 9)).toEqual(["a", "b"]);
  });
});

describe("a list to order", () => {
  it("is ordered by the arrow keys of a grip, which keeps the focus and says where it is", async () => {
    render(<Sorted />);
    grip("a").focus();
    await userEvent.keyboard("{ArrowDown}");
    expect(order()).toBe("bac");
    expect(document.activeElement).toBe(grip("a"));
    expect(screen.getByRole("status").textContent).toBe("Item a: now 2 of 3");
    await userEvent.keyboard("{End}");
    expect(order()).toBe("bca");
    await userEvent.keyboard("{ArrowDown}");
    expect(order()).toBe("bca");
    await userEvent.keyboard("{Home}");
    expect(order()).toBe("abc");
  });

  it("is ordered by buttons, of which those that lead nowhere are off", async () => {
    render(<Sorted />);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Move up: Item a" }).disabled).toBe(true);
    await userEvent.click(screen.getByRole("button", { name: "Move up: Item c" }));
    expect(order()).toBe("acb");
  });

  it("is ordered by dragging a grip past the middle of a neighbour", () => {
    render(<Sorted />);
    const rows = [...document.querySelectorAll("li")];
    rows.forEach((row, i) => {
      row.getBoundingClientRect = () => ({ top: 40 * i, height: 40 }) as DOMRect;
    });
    const held = grip("a");
    fireEvent.pointerDown(held, { pointerId: 1, clientY: 20 });
    fireEvent.pointerMove(window, { pointerId: 1, clientY: 55 });
    expect(order()).toBe("abc");
    fireEvent.pointerMove(window, { pointerId: 1, clientY: 65 });
    expect(order()).toBe("bac");
    fireEvent.pointerUp(window, { pointerId: 1 });
    fireEvent.pointerMove(window, { pointerId: 1, clientY: 110 });
    expect(order()).toBe("bac");
  });

  it("stays as it is where it is off", async () => {
    render(<Sorted disabled />);
    fireEvent.keyDown(grip("a"), { key: "ArrowDown" });
    expect(order()).toBe("abc");
  });

  it("has no accessibility violations", async () => {
    const { container } = render(<Sorted />);
    expect((await axe.run(container)).violations).toEqual([]);
  });
});

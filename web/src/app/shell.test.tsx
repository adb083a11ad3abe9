// @vitest-environment jsdom
import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type Action, actions } from "../actions/registry";
import { useActions, useShortcuts } from "../actions/useActions";
import { askNow, serverAnswered, useServerStatus } from "../api/serverStatus";
import { layOut } from "../ui/testSetup";
import { CommandPalette } from "./CommandPalette";
import { ServerBanner } from "./ServerBanner";
import { ShortcutList } from "./ShortcutList";
import { useTheme } from "./theme";

layOut();

function Page({ list, children }: { list: Action[]; children?: React.ReactNode }) {
  useShortcuts();
  useActions(list);
  return children;
}
const action = (id: string, change: Partial<Action> = {}): Action => ({
  id,
  title: id,
  group: "Run",
  perform: () => undefined,
  ...change,
});

describe("shortcuts", () => {
  it("work on the page, rest while someone types, and call the newest closure", async () => {
    const calls: string[] = [];
    const list = (tag: string) => [action("pause", { keys: "p", perform: () => calls.push(tag) })];
    const { rerender } = render(<Page list={list("first")}><input aria-label="field" /></Page>);
    await userEvent.keyboard("p");
    rerender(<Page list={list("second")}><input aria-label="field" /></Page>);
    await userEvent.keyboard("p");
    await userEvent.type(screen.getByLabelText("field"), "p");
    expect(calls).toEqual(["first", "second"]);
  });

  it("end with the page that offered them", () => {
    const { unmount } = render(<Page list={[action("pause", { keys: "p" })]} />);
    expect(actions.list().map(({ id }) => id)).toContain("pause");
    unmount();
    expect(actions.list()).toEqual([]);
  });

  it("are listed with their keys, and those without keys are not", () => {
    render(
      <Page list={[action("Pause the run", { keys: "p" }), action("Stop the run")]}>
        <ShortcutList onClose={() => undefined} />
      </Page>,
    );
    expect(screen.getByText("Pause the run")).toBeTruthy();
    expect(screen.getByText("P")).toBeTruthy();
    expect(screen.queryByText("Stop the run")).toBeNull();
  });
});

describe("the command palette", () => {
  it("finds by words, moves by arrows and performs on Enter after it closed", async () => {
    const order: string[] = [];
    render(
      <Page
        list={[
          action("a", { title: "All runs", perform: () => order.push("runs") }),
          action("b", { title: "Run: CartPole-v1", perform: () => order.push("cartpole") }),
          action("c", { title: "Use the dark theme", group: "View" }),
        ]}
      >
        <CommandPalette onClose={() => order.push("closed")} />
      </Page>,
    );
    const field = screen.getByRole("combobox");
    await userEvent.type(field, "run");
    const options = screen.getAllByRole("option", { hidden: true });
    expect(options.map((option) => option.getAttribute("aria-selected"))).toEqual(["true", "false"]);
    await userEvent.keyboard("{ArrowDown}");
    expect(field.getAttribute("aria-activedescendant")).toBe(options[1]?.id);
    await userEvent.keyboard("{Enter}");
    await vi.waitFor(() => expect(order).toEqual(["closed", "cartpole"]));
  });

  it("says when nothing is called so", async () => {
    render(<Page list={[action("a")]}><CommandPalette onClose={() => undefined} /></Page>);
    await userEvent.type(screen.getByRole("combobox"), "zzz");
    expect(screen.getByText("Nothing here is called “zzz”.")).toBeTruthy();
  });
});

describe("the theme", () => {
  beforeEach(() => localStorage.clear());

  it("is kept when chosen, and forgotten when given back to the system", () => {
    useTheme.getState().choose("dark");
    expect(document.documentElement.dataset.theme).toBe("dark");
    expect(localStorage.getItem("ppolab.theme")).toBe("dark");
    useTheme.getState().choose("system");
    expect(document.documentElement.dataset.theme).toBe("light");
    expect(localStorage.getItem("ppolab.theme")).toBeNull();
  });
});

describe("a server that is gone", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    layOut();
    serverAnswered();
  });

  it("is told of in words, asked for again, and the banner goes when it is back", async () => {
    const health = vi.fn().mockRejectedValueOnce(new TypeError("no route")).mockResolvedValue({ status: 200 });
    vi.stubGlobal("fetch", health);
    render(<ServerBanner />);
    expect(screen.queryByText(/does not answer/)).toBeNull();
    await askNow();
    const before = useServerStatus.getState().returns;
    expect(await screen.findByText("The server does not answer.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Try now" }));
    await vi.waitFor(() => expect(screen.queryByText(/does not answer/)).toBeNull());
    expect(useServerStatus.getState().returns).toBe(before + 1);
  });
});

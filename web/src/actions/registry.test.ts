import { describe, expect, it, vi } from "vitest";

import { type Action, ActionRegistry, combination, type KeyPress } from "./registry";
import { searchActions } from "./search";

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: "",
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});
const action = (id: string, change: Partial<Action> = {}): Action => ({
  id,
  title: id,
  group: "View",
  perform: () => undefined,
  ...change,
});

describe("key combinations", () => {
  it.each([
    [press("k", { metaKey: true }), "mod+k"],
    [press("K", { ctrlKey: true, shiftKey: true }), "mod+shift+k"],
    [press("?", { shiftKey: true }), "?"],
    [press("<", { code: "Comma", shiftKey: true }), "shift+,"],
    [press(":", { code: "Period", shiftKey: true }), "shift+."],
    [press(".", { code: "Period" }), "."],
    [press("ArrowLeft", { shiftKey: true }), "shift+arrowleft"],
    [press(" "), "space"],
  ])("%o is %s", (event, keys) => {
    expect(combination(event)).toBe(keys);
  });
});

describe("the registry", () => {
  it("performs the newest available action of a key and says whether there was one", () => {
    const registry = new ActionRegistry();
    const older = vi.fn();
    const newer = vi.fn();
    registry.register([action("a", { keys: "p", perform: older })]);
    const remove = registry.register([action("b", { keys: "p", perform: newer })]);
    expect(registry.handle(press("p"))).toBe(true);
    remove();
    expect(registry.handle(press("p"))).toBe(true);
    expect([older.mock.calls.length, newer.mock.calls.length]).toEqual([1, 1]);
    expect(registry.handle(press("q"))).toBe(false);
  });

  it("passes over what cannot be done now, and leaves Alt to the browser", () => {
    const registry = new ActionRegistry();
    const perform = vi.fn();
    registry.register([action("a", { keys: "p", perform, when: () => false })]);
    expect(registry.handle(press("p"))).toBe(false);
    registry.register([action("a", { keys: "p", perform })]);
    expect(registry.handle(press("p", { altKey: true }))).toBe(false);
    expect(perform).not.toHaveBeenCalled();
  });

  it("keeps a newer action of the same id when the older is taken out", () => {
    const registry = new ActionRegistry();
    const removeOlder = registry.register([action("a", { title: "older" })]);
    registry.register([action("a", { title: "newer" })]);
    removeOlder();
    expect(registry.list().map(({ title }) => title)).toEqual(["newer"]);
  });

  it("tells listeners of each change with a new list", () => {
    const registry = new ActionRegistry();
    const before = registry.list();
    const listener = vi.fn();
    registry.subscribe(listener);
    registry.register([action("a")]);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(registry.list()).not.toBe(before);
  });
});

describe("the palette's search", () => {
  const list = [
    action("1", { title: "Lesson: Your first run", keywords: "Meeting PPO" }),
    action("2", { title: "All runs", group: "Go to" }),
    action("3", { title: "Use the dark theme" }),
  ];
  const found = (query: string) => searchActions(list, query).map(({ id }) => id);
  it("wants each word to begin a word of the action", () => {
    expect(found("dark th")).toEqual(["3"]);
    expect(found("ark")).toEqual([]);
  });
  it("puts titles before keywords, and shows all for an empty query", () => {
    expect(found("run")).toEqual(["1", "2"]);
    expect(found("ppo first")).toEqual(["1"]);
    expect(found("  ")).toEqual(["1", "2", "3"]);
  });
});

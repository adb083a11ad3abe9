import { useEffect, useRef, useSyncExternalStore } from "react";

import { actions, type Action, isTyping } from "./registry";

/**
 * Offer actions for as long as the calling component is shown. The list may be built anew at each
 * render: ids and keys are registered once, `perform` and `when` always call the newest closure.
 */
export function useActions(list: Action[]): void {
  const newest = useRef(list);
  useEffect(() => {
    newest.current = list;
  });
  const shape = JSON.stringify(list.map(({ id, title, group, keys, keywords }) => [id, title, group, keys, keywords]));
  useEffect(() => {
    const find = (id: string) => newest.current.find((action) => action.id === id);
    return actions.register(
      newest.current.map((action) => ({
        ...action,
        when: () => find(action.id)?.when?.() ?? true,
        perform: () => find(action.id)?.perform(),
      })),
    );
  }, [shape]);
}

/** All registered actions, kept up to date. */
export function useActionList(): Action[] {
  return useSyncExternalStore(actions.subscribe, actions.list, actions.list);
}

/** Listen for shortcuts on the whole page; once, in the shell. */
export function useShortcuts(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const mod = event.ctrlKey || event.metaKey;
      if (event.defaultPrevented || event.isComposing) return;
      if (!mod && (isTyping(event.target) || document.querySelector("dialog[open]"))) return;
      if (actions.handle(event)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

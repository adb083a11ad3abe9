import { useSyncExternalStore } from "react";

/** Whether a media query holds now; false where there is no such thing, as in tests. */
export function useMediaQuery(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia?.(query);
      list?.addEventListener("change", listener);
      return () => list?.removeEventListener("change", listener);
    },
    () => window.matchMedia?.(query).matches ?? false,
    () => false,
  );
}

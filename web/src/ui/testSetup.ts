import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

/** What jsdom lacks: a layout of fixed size, and media queries that never hold. */
export function layOut(width = 480, height = 200): void {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      #tell: (entries: { contentRect: { width: number; height: number } }[]) => void;
      constructor(tell: (entries: { contentRect: { width: number; height: number } }[]) => void) {
        this.#tell = tell;
      }
      observe() {
        this.#tell([{ contentRect: { width, height } }]);
      }
      disconnect() {}
      unobserve() {}
    },
  );
  window.matchMedia ??= (query: string) =>
    ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
  HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
    this.open = false;
  };
  Element.prototype.scrollIntoView ??= () => undefined;
  afterEach(cleanup);
}

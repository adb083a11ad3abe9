import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { useShortcuts } from "../actions/useActions";
import { CommandPalette } from "./CommandPalette";
import { Header } from "./Header";
import { ServerBanner } from "./ServerBanner";
import { ShortcutList } from "./ShortcutList";
import { useGlobalActions } from "./globalActions";

type Overlay = "palette" | "shortcuts" | null;

/** What surrounds every page: skip link, header, banner, main, and the two overlays. */
export function Shell() {
  const [overlay, setOverlay] = useState<Overlay>(null);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const firstPath = useRef(path);

  useShortcuts();
  useGlobalActions(setOverlay);

  // A new page starts at its beginning for the keyboard and for a screen reader too.
  useEffect(() => {
    if (firstPath.current === path) return;
    firstPath.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      <a href="#main" className="skip-link">
        Skip to the content
      </a>
      <Header onSearch={() => setOverlay("palette")} />
      <ServerBanner />
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      {overlay === "palette" && <CommandPalette onClose={() => setOverlay(null)} />}
      {overlay === "shortcuts" && <ShortcutList onClose={() => setOverlay(null)} />}
    </>
  );
}

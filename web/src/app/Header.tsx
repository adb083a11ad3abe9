import { Link } from "@tanstack/react-router";
import { Menu, Moon, Search, Sun } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { Keys } from "../ui/Kbd";
import { Mark } from "../ui/Mark";
import { usePageStore } from "./page";
import { useTheme } from "./theme";

/** The header: mark, where you are, search, and the theme. */
export function Header({ onSearch }: { onSearch: () => void }) {
  return (
    <header className="site">
      <Link to="/" className="wordmark" aria-label="PPO Lab, course map">
        <Mark />
        <span>PPO Lab</span>
      </Link>
      <Trail />
      <nav aria-label="Main" className="site-nav">
        <SiteLinks />
      </nav>
      <button
        type="button"
        className="search-box"
        onClick={onSearch}
      >
        <Search size={15} aria-hidden />
        <span className="search-words">Search lessons, runs</span>
        <span className="search-keys" aria-hidden="true">
          <Keys keys="mod+k" />
        </span>
      </button>
      <ThemeToggle />
      <MobileMenu />
    </header>
  );
}

function SiteLinks({ onGo }: { onGo?: () => void }) {
  return (
    <>
      <Link to="/" activeOptions={{ exact: true }} onClick={onGo}>
        Course
      </Link>
      <Link to="/runs" onClick={onGo}>
        Runs
      </Link>
      <Link to="/instruments/clip-explorer" onClick={onGo}>
        Clip explorer
      </Link>
    </>
  );
}

function Trail() {
  const { title, trail } = usePageStore();
  if (!title || trail.length === 0) return <span className="flex-1" />;
  return (
    <nav aria-label="Where you are" className="trail">
      <ol>
        {trail.map((crumb) => (
          <li key={crumb.label}>
            {crumb.to ? <Link to={crumb.to}>{crumb.label}</Link> : <span>{crumb.label}</span>}
          </li>
        ))}
        <li aria-current="page" className="font-[550] text-ink">
          {title}
        </li>
      </ol>
    </nav>
  );
}

function ThemeToggle() {
  const theme = useTheme((state) => state.theme);
  const choose = useTheme((state) => state.choose);
  const other = theme === "dark" ? "light" : "dark";
  const words = `Switch to the ${other} theme`;
  return (
    <button
      type="button"
      className="btn btn-icon"
      aria-label={words}
      title={words}
      onClick={() => choose(other)}
    >
      {theme === "dark" ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
    </button>
  );
}

/** The links of the header behind one button, where there is no room for them. */
function MobileMenu() {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPress = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", onPress);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPress);
      document.removeEventListener("keydown", onKey);
    };
  }, [open]);
  return (
    <div className="mobile-menu" ref={box}>
      <button
        type="button"
        className="btn btn-icon"
        aria-label="Menu"
        aria-expanded={open}
        aria-controls="site-menu"
        onClick={() => setOpen(!open)}
      >
        <Menu size={17} aria-hidden />
      </button>
      <nav id="site-menu" aria-label="Menu" hidden={!open} className="card">
        <SiteLinks onGo={() => setOpen(false)} />
      </nav>
    </div>
  );
}

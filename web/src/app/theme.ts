import { create } from "zustand";

export type ThemeChoice = "system" | "light" | "dark";
export type Theme = "light" | "dark";

const KEY = "ppolab.theme"; // read by public/theme.js too, before the first paint

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

function systemTheme(): Theme {
  return window.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function apply(choice: ThemeChoice): Theme {
  const theme = choice === "system" ? systemTheme() : choice;
  document.documentElement.dataset.theme = theme;
  return theme;
}

interface ThemeState {
  choice: ThemeChoice;
  theme: Theme;
  choose: (choice: ThemeChoice) => void;
}

/** The theme: the system's until the reader chooses one, which is kept. */
export const useTheme = create<ThemeState>((set) => ({
  choice: typeof localStorage === "undefined" ? "system" : stored(),
  theme: typeof document !== "undefined" && document.documentElement.dataset.theme === "dark" ? "dark" : "light",
  choose: (choice) => {
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Storage may be switched off; the choice then lasts until the page is left.
    }
    set({ choice, theme: apply(choice) });
  },
}));

/** Follow the system while no choice was made. */
export function followSystemTheme(): () => void {
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  const onChange = () => {
    const { choice } = useTheme.getState();
    if (choice === "system") useTheme.setState({ theme: apply("system") });
  };
  onChange();
  query.addEventListener("change", onChange);
  return () => query.removeEventListener("change", onChange);
}

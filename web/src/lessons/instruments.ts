/** The instruments that a lesson may put on its stage, by the name in its text. */
const TITLES: Record<string, string> = {
  "clip-explorer": "Clip explorer",
};

export function isInstrument(name: string): boolean {
  return Object.hasOwn(TITLES, name);
}

export function interactiveTitle(name: string): string {
  return TITLES[name] ?? name;
}

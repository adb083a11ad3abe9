import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { contrast, distance, VISIONS } from "./colour";

const css = readFileSync(fileURLToPath(new URL("./tokens.css", import.meta.url)), "utf8");
const [lightBlock = "", darkBlock = ""] = css.split(':root[data-theme="dark"]');

function tokens(block: string): Record<string, string> {
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[0-9A-F]{6});/g)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>;
}

const themes = { light: tokens(lightBlock), dark: tokens(darkBlock) };
const roles = ["actor", "critic", "reward", "reference"];
const pairs = roles.flatMap((a, i) => roles.slice(i + 1).map((b) => [a, b] as const));

describe("colour arithmetic", () => {
  it("counts contrast as WCAG does", () => {
    expect(contrast("#000000", "#FFFFFF")).toBeCloseTo(21, 5);
    expect(contrast("#767676", "#FFFFFF")).toBeCloseTo(4.54, 2);
  });

  it("sees no difference of red and green of one lightness with deuteranopia", () => {
    // A red and a green that lie on one confusion line: far apart normally, close for a deutan.
    expect(distance("#B05A5A", "#7D7A59", "normal")).toBeGreaterThan(10);
    expect(distance("#B05A5A", "#7D7A59", "deuteranopia")).toBeLessThan(6);
  });
});

describe.each(Object.entries(themes))("the %s theme", (theme, token) => {
  const of = (name: string): string => {
    const value = token[name];
    if (!value) throw new Error(`tokens.css has no --${name} in the ${theme} theme`);
    return value;
  };

  it("defines every colour that the other theme defines", () => {
    expect(Object.keys(token).sort()).toEqual(Object.keys(themes.light).sort());
  });

  it("has text of at least 4.5:1 on every ground", () => {
    const texts = ["ink", "muted", ...roles.map((role) => `${role}-text`), "positive-text", "negative-text"];
    for (const text of texts) {
      for (const ground of ["paper", "panel", "sunk"]) {
        expect(contrast(of(text), of(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    for (const name of [...roles, "positive", "negative"]) {
      expect(contrast(of(`${name}-text`), of(`${name}-wash`)), `${name} on its wash`).toBeGreaterThanOrEqual(4.4);
    }
  });

  it("has graphics and focus of at least 3:1 on panel and paper", () => {
    for (const name of [...roles, "positive", "negative", "edge-strong", "focus"]) {
      for (const ground of ["paper", "panel"]) {
        expect(contrast(of(name), of(ground)), `${name} on ${ground}`).toBeGreaterThanOrEqual(3);
      }
    }
  });

  it.each(Object.keys(VISIONS))("keeps the roles' graphics apart with %s vision", (vision) => {
    for (const [a, b] of pairs) {
      expect(distance(of(a), of(b), vision), `${a} and ${b}`).toBeGreaterThanOrEqual(9);
    }
  });

  it.each(Object.keys(VISIONS))("keeps the roles' text apart with %s vision", (vision) => {
    // Contrast squeezes lightness, so text comes closer: that is why its glyph is mandatory.
    for (const [a, b] of pairs) {
      expect(distance(of(`${a}-text`), of(`${b}-text`), vision), `${a} and ${b}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(Object.keys(VISIONS))("keeps the signs apart with %s vision", (vision) => {
    expect(distance(of("positive"), of("negative"), vision)).toBeGreaterThanOrEqual(14);
  });

  it("dims what lies after the cursor by a token that is neither the line nor the ground", () => {
    for (const role of roles) {
      expect(distance(of(role), of(`${role}-past`), "normal")).toBeGreaterThan(14);
      expect(contrast(of(`${role}-past`), of("panel"))).toBeGreaterThanOrEqual(1.3);
    }
  });
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

interface LockEntry {
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const packages = (JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, LockEntry> })
  .packages;

describe("package-lock.json", () => {
  // npm drops platform packages that its registry does not offer from the lock without a word,
  // and `npm ci` then refuses that lock everywhere.
  it("holds every optional dependency that an entry names", () => {
    const held = new Set(Object.keys(packages).map((key) => key.split("node_modules/").at(-1)));
    const missing = Object.entries(packages).flatMap(([owner, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => !held.has(name))
        .map((name) => `${name} (named by ${owner})`),
    );
    expect(missing).toEqual([]);
  });

  it("names no host to download from", () => {
    const named = Object.entries(packages).filter(([, entry]) => entry.resolved?.includes("://"));
    expect(named.map(([key]) => key)).toEqual([]);
  });

  it("pins every direct dependency to one version", () => {
    const manifest = JSON.parse(
      readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"),
    ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});

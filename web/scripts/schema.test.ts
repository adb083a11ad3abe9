import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

it("the typed client is the one that `npm run generate` makes of openapi.json", () => {
  const folder = mkdtempSync(join(tmpdir(), "ppolab-schema-"));
  try {
    const made = join(folder, "schema.d.ts");
    execFileSync(process.execPath, [
      here("../node_modules/openapi-typescript/bin/cli.js"),
      here("../src/api/openapi.json"),
      "-o",
      made,
    ]);
    expect(readFileSync(here("../src/api/schema.d.ts"), "utf8")).toBe(readFileSync(made, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Check a page with axe-core; one line for each violation, none when all is well. */
export async function violations(page) {
  // Evaluated by the debugger, which the page's content security policy does not concern.
  await page.evaluate(source);
  const result = await page.evaluate(() => globalThis.axe.run());
  return result.violations.map(
    ({ id, impact, help, nodes }) =>
      `${id} (${impact}): ${help}: ${nodes.map((node) => node.target.join(" ")).join(" | ")}`,
  );
}

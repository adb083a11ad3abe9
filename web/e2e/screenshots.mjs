/**
 * Pictures of every page, light, dark and on a phone, from a running server:
 *
 *   node e2e/screenshots.mjs [--base http://127.0.0.1:8000] [--only map,runs] [--axe]
 *
 * They are written to e2e/output/. With --axe each page is checked for accessibility too, and a
 * violation makes the script fail.
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { violations } from "./axe.mjs";
import { launch } from "./browser.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string", default: process.env.PPOLAB_URL ?? "http://127.0.0.1:8000" },
    only: { type: "string" },
    axe: { type: "boolean", default: false },
  },
});

const VIEWS = [
  { name: "light", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 }, full: true },
];

async function json(path) {
  const response = await fetch(`${options.base}${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** The pages there are, by name: those of the first written chapter and of the newest run. */
async function pages() {
  const course = await json("/api/course");
  const runs = await json("/api/runs");
  const chapter = course.chapters.find(({ written }) => written);
  const found = { map: "/", runs: "/runs", "clip-explorer": "/instruments/clip-explorer" };
  for (const { kind, slug } of chapter?.lessons ?? []) {
    if (kind === "lesson") found[`lesson-${slug}`] = `/learn/${chapter.slug}/${slug}`;
    else found[`challenge-${slug}`] = `/challenge/${slug}`;
  }
  const run = runs.find(({ step }) => step > 0);
  if (run) {
    found.run = `/runs/${run.id}`;
    found["run-replay"] = `/runs/${run.id}?step=${Math.round(run.step / 2)}`;
  }
  return found;
}

const folder = fileURLToPath(new URL("./output/", import.meta.url));
mkdirSync(folder, { recursive: true });
const wanted = options.only?.split(",");
const browser = await launch();
let faults = 0;

for (const [name, path] of Object.entries(await pages())) {
  if (wanted && !wanted.includes(name)) continue;
  for (const view of VIEWS) {
    const context = await browser.newContext(view);
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(`${name} ${view.name}: ${error}`));
    page.on("console", (message) => {
      if (message.type() === "error") console.error(`${name} ${view.name}: ${message.text()}`);
    });
    // A page with a socket is never idle; fonts and the first data are what a picture waits for.
    await page.goto(`${options.base}${path}`, { waitUntil: "load" });
    await page.waitForSelector("h1");
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(900);
    await page.screenshot({ path: `${folder}${name}-${view.name}.png`, fullPage: view.full ?? false });
    if (options.axe) {
      for (const line of await violations(page)) {
        faults += 1;
        console.error(`${name} ${view.name}: ${line}`);
      }
    }
    await context.close();
  }
  console.log(`${name}: light, dark, phone`);
}

await browser.close();
console.log(`Pictures are in ${folder}`);
if (options.axe) console.log(`${faults} accessibility violations`);
process.exitCode = faults > 0 ? 1 : 0;

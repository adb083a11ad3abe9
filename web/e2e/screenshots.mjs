/**
 * Pictures of every page, light, dark and on a phone:
 *
 *   node e2e/screenshots.mjs [--base http://127.0.0.1:8000] [--only map,runs] [--axe]
 *
 * Without --base a server of its own is started in a temporary home, the prediction of the first
 * lesson is made, and a run is trained to its end, so that there is something to show; then
 * docs/images/lesson.png is written, too. With --base the pictures show what that server has.
 *
 * They are written to e2e/output/. With --axe each page is checked for accessibility, and a
 * violation makes the script fail.
 */
import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { violations } from "./axe.mjs";
import { launch } from "./browser.mjs";
import { startServer, temporaryHome } from "./server.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string", default: process.env.PPOLAB_URL },
    only: { type: "string" },
    axe: { type: "boolean", default: false },
  },
});

const CHAPTER = "meeting-ppo";
const LESSON = "first-run";
const PRESET = "cartpole";
const RUN_SECONDS = 300; // what a slow machine may take for the preset's 102,400 steps
const TALLEST = 8000; // px; beyond 8192 a headless Chromium repeats the top of the page
const LARGEST_PICTURE = 250; // KB; README.md shows it

const VIEWS = [
  { name: "light", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 }, full: true },
];

async function json(path, body) {
  const response = await fetch(
    `${base}${path}`,
    body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  );
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Make the lesson's prediction and train its run to the end; the run's id. */
async function prepare() {
  const lesson = await json(`/api/lessons/${CHAPTER}/${LESSON}`);
  const question = lesson.blocks.find(({ type }) => type === "predict");
  await json("/api/predictions", {
    chapter: CHAPTER,
    lesson: LESSON,
    id: question.id,
    option: question.options[0].id,
  });
  let run = await json("/api/runs", { kind: "control", preset: PRESET });
  const end = Date.now() + RUN_SECONDS * 1000;
  while (run.state !== "finished") {
    if (run.state === "failed" || Date.now() > end) {
      throw new Error(`The run for the pictures did not finish: ${run.state_words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    run = await json(`/api/runs/${run.id}`);
  }
  console.log(`Trained ${run.id}: ${run.state_words}`);
  return run.id;
}

/** The pages there are, by name: those of every chapter and of the newest run. */
async function pages() {
  const course = await json("/api/course");
  const runs = await json("/api/runs");
  const found = { map: "/", progress: "/progress", runs: "/runs", "clip-explorer": "/instruments/clip-explorer" };
  for (const chapter of course.chapters) {
    for (const { kind, slug } of chapter.lessons) {
      if (kind === "lesson") found[`lesson-${slug}`] = `/learn/${chapter.slug}/${slug}`;
      else if (kind === "questions") found[`questions-${slug}`] = `/questions/${slug}`;
      else found[`${kind}-${slug}`] = `/${kind}/${slug}`;
    }
  }
  const run = runs.find(({ step }) => step > 0);
  if (run) {
    found.run = `/runs/${run.id}`;
    found["run-replay"] = `/runs/${run.id}?step=${Math.round(run.step / 2)}`;
  }
  return found;
}

/** A page at one address in one of the views, drawn; `ownRun` is the lesson's run of this browser. */
async function open(view, path, name, ownRun) {
  const context = await browser.newContext(view);
  if (ownRun) {
    const key = `ppolab.run:${CHAPTER}/${LESSON}:${PRESET}`;
    await context.addInitScript(([k, id]) => localStorage.setItem(k, id), [key, ownRun]);
  }
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(`${name} ${view.name}: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") console.error(`${name} ${view.name}: ${message.text()}`);
  });
  // A page with a socket is never idle; fonts and the first data are what a picture waits for.
  await page.goto(`${base}${path}`, { waitUntil: "load" });
  await page.waitForSelector("h1");
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(900);
  return page;
}

/** Pictures of one page in all views; how many accessibility violations were found on it. */
async function picture(name, address, ownRun) {
  let found = 0;
  for (const view of VIEWS) {
    const page = await open(view, address, name, ownRun);
    const path = `${folder}${name}-${view.name}.png`;
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width: view.viewport.width, height: Math.min(height, TALLEST) };
    await page.screenshot(view.full ? { path, fullPage: true, clip } : { path });
    if (options.axe) {
      for (const line of await violations(page)) {
        found += 1;
        console.error(`${name} ${view.name}: ${line}`);
      }
    }
    await page.context().close();
  }
  console.log(`${name}: light, dark, phone`);
  return found;
}

/** The picture that README.md shows: the text on the loss, its charts singled out beside it. */
async function readmePicture(ownRun) {
  const path = fileURLToPath(new URL("../../docs/images/lesson.png", import.meta.url));
  mkdirSync(fileURLToPath(new URL("../../docs/images/", import.meta.url)), { recursive: true });
  const page = await open(VIEWS[0], `/learn/${CHAPTER}/${LESSON}`, "README", ownRun);
  await page.evaluate(() => {
    const words = [...document.querySelectorAll(".stop-step strong")];
    const step = words.find((strong) => strong.textContent === "Policy loss");
    window.scrollBy(0, step.getBoundingClientRect().top - 330);
  });
  await page.waitForTimeout(700);
  await page.screenshot({ path });
  await page.context().close();
  const size = Math.round(statSync(path).size / 1024);
  console.log(`docs/images/lesson.png: ${size} KB`);
  if (size > LARGEST_PICTURE) throw new Error(`docs/images/lesson.png is over ${LARGEST_PICTURE} KB`);
}

const folder = fileURLToPath(new URL("./output/", import.meta.url));
mkdirSync(folder, { recursive: true });
const wanted = options.only?.split(",");
const home = options.base ? null : temporaryHome();
const server = home && (await startServer(home.path));
const base = options.base ?? server.base;
const browser = await launch();
let faults = 0;
try {
  const ownRun = server ? await prepare() : null;
  for (const [name, path] of Object.entries(await pages())) {
    if (!wanted || wanted.includes(name)) faults += await picture(name, path, ownRun);
  }
  if (ownRun && (!wanted || wanted.includes("readme"))) await readmePicture(ownRun);
  console.log(`Pictures are in ${folder}`);
  if (options.axe) console.log(`${faults} accessibility violations`);
  process.exitCode = faults > 0 ? 1 : 0;
} finally {
  await browser.close();
  await server?.stop();
  home?.remove();
}

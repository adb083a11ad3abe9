/**
 * The stages of RLHF from the page, in a real browser against a real server:
 *
 *   node e2e/stages.mjs
 *
 * The smallest preset is started from the list of runs and goes through fine-tuning, reward model
 * and PPO by itself, paused and stepped on the way; its chart and its table are read, and DPO goes
 * on from its reward model. Any error in the console is a failure.
 */
import assert from "node:assert/strict";

import { violations } from "./axe.mjs";
import { startServer, temporaryHome } from "./server.mjs";
import { startBrowser, steps, until } from "./steps.mjs";

const STAGE_SECONDS = 240; // what a slow machine may take for one of the small stages
const { step, count } = steps();
const browser = await startBrowser();
const home = temporaryHome();
const server = await startServer(home.path);
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
const faults = [];
page.on("console", (message) => {
  if (message.type() === "error") faults.push(message.text());
});
page.on("pageerror", (error) => faults.push(String(error)));

const state = () => page.locator(".run-head .state-words").innerText();
const stages = page.getByRole("region", { name: "Stages" });
const card = (name) => stages.getByRole("listitem").filter({ hasText: name }).first();

/** Go to another stage's run once it has begun, and wait until that run is the one looked at. */
async function open(name) {
  const link = stages.getByRole("link", { name, exact: true });
  await link.waitFor({ timeout: STAGE_SECONDS * 1000 });
  await link.click();
  await card(name).getByText("(this run)").waitFor();
}

async function start() {
  await page.goto(`${server.base}/runs`);
  const group = page.getByRole("region", { name: "Language models: RLHF" });
  await group.getByText("Fine-tuning → Reward model → PPO").first().waitFor();
  assert.deepEqual(await violations(page), [], "accessibility of the list of runs");
  await group.getByRole("button", { name: "Start Cheerful Austen, a first look" }).click();
  await page.getByRole("heading", { level: 1, name: /Fine-tuning/ }).waitFor();
  assert.equal(await stages.getByRole("listitem").count(), 3);
  await card("PPO").getByText("still to come").waitFor();
  step("the smallest preset started from the list; its three stages stand there");
}

async function follow() {
  await open("Reward model");
  step("fine-tuning finished, and the reward model began by itself");
  await open("PPO");
  await until("PPO learns", state, (words) => /live, step/.test(words), STAGE_SECONDS);
  await page.getByRole("button", { name: "Pause" }).click();
  const paused = await until("paused", state, (words) => /paused at step/.test(words));
  const at = Number(paused.match(/step ([\d,]+)/)[1]);
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await until("one update", state, (words) => words === `paused at step ${at + 1}`, 60);
  await page.getByRole("button", { name: "Resume" }).click();
  const drawn = () =>
    page.locator(".metric-main svg path[d]").evaluateAll((paths) =>
      Math.max(0, ...paths.map((path) => path.getAttribute("d").length)),
    );
  await until("the chart has a line", drawn, (n) => n > 40, 120);
  step(`PPO paused at update ${at}, one more, resumed; its chart has a line`);
}

async function read() {
  const words = await until("the end", state, (text) => /finished|failed/.test(text), STAGE_SECONDS);
  assert.match(words, /finished at step 25: gold score -?[\d.]+ at a KL of [\d.]+ nats/);
  const row = card("PPO").getByRole("row", { name: /gold score/ }).first();
  await until("the table", () => row.innerText(), (text) => /-?\d\.\d+\s+−?-?\d\.\d+/.test(text));
  assert.match(await card("Reward model").getByRole("row", { name: /accuracy/ }).innerText(), /%/);
  assert.ok((await page.locator(".texts-panel li").count()) >= 4, "answers before and after");
  assert.deepEqual(await violations(page), [], "accessibility of a run of PPO");
  step(`${words}; figures and answers before and after`);
}

async function goOn() {
  await stages.getByRole("link", { name: "Reward model", exact: true }).click();
  await card("Reward model").getByText("(this run)").waitFor();
  await stages.getByRole("combobox").selectOption({ label: "Cheerful Austen: DPO" });
  await stages.getByRole("button", { name: "Start" }).click();
  await page.getByRole("heading", { level: 1, name: /DPO/ }).waitFor();
  await until("DPO learns", state, (words) => /live, step|finished/.test(words), STAGE_SECONDS);
  if (/live/.test(await state())) await page.getByRole("button", { name: "Stop" }).click();
  await until("the end of DPO", state, (words) => /stopped|finished/.test(words), STAGE_SECONDS);
  step("DPO went on from the reward model's run, without doing it again");
}

try {
  console.log("The stages of RLHF from the page:");
  await start();
  await follow();
  await read();
  await goOn();
  assert.deepEqual(faults, [], "errors in the browser's console");
  console.log(`\n${count()} passed, 0 failed`);
} catch (error) {
  const picture = new URL("./output/stages-failed.png", import.meta.url).pathname;
  await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
  console.error(`\nfailed after ${count()} steps: ${error.message}\npicture: ${picture}`);
  if (faults.length) console.error(`console: ${faults.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
  home.remove();
}

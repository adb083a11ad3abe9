/**
 * A person's way through the course, in a real browser against a real server:
 *
 *   node e2e/journey.mjs [--show]
 *
 * From the map into the first lesson; a prediction, a live run, paused, stepped, changed, reloaded;
 * the server killed and started again; the run resumed until it is solved, then replayed; the clip
 * explorer; the challenge with a wrong, crashing, endless, hostile and right answer; the progress.
 * Pages met on the way are checked for accessibility. Any error in the console is a failure.
 */
import assert from "node:assert/strict";

import { violations } from "./axe.mjs";
import { startServer, temporaryHome } from "./server.mjs";
import { startBrowser, steps, until } from "./steps.mjs";

const SOLVED = 475;
const { step, count } = steps();

const browser = await startBrowser();
const home = temporaryHome();
let server = await startServer(home.path);
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });

// While the server is down on purpose, the browser may say that it cannot reach it.
const faults = [];
let serverIsDown = false;
page.on("console", (message) => {
  if (message.type() === "error" && !serverIsDown) faults.push(message.text());
});
page.on("pageerror", (error) => faults.push(String(error)));

const api = async (path) => (await fetch(`${server.base}${path}`)).json();
const words = () => page.locator(".live-run .state-words").innerText();
const stepShown = async () => Number((await words()).match(/step ([\d,]+)/)?.[1].replaceAll(",", "") ?? -1);
const runId = () => page.locator(".live-run").getAttribute("data-run");
const run = async () => api(`/api/runs/${await runId()}`);

async function accessible(name) {
  assert.deepEqual(await violations(page), [], `accessibility of ${name}`);
}

async function enterLesson() {
  await page.goto(server.base);
  await page.getByRole("heading", { name: "Meeting PPO" }).first().waitFor();
  const unwritten = (await api("/api/course")).chapters.filter(({ written }) => !written).length;
  assert.equal(await page.getByText("not written yet").count(), unwritten);
  await accessible("the map");
  await page.getByRole("link", { name: /A first run/ }).first().click();
  await page.getByRole("heading", { level: 1, name: "A first run" }).waitFor();
  assert.equal(await page.locator(".katex-error").count(), 0, "every formula can be drawn");
  step("from the map into the lesson; formulas drawn");
}

async function predict() {
  assert.equal(await page.getByRole("button", { name: "Start training" }).count(), 0);
  await page.getByRole("radio", { name: /falls steadily/ }).check();
  await page.locator(".predict").getByRole("button").first().click();
  await page.getByText("Your prediction").first().waitFor();
  await page.getByRole("button", { name: "Start training" }).waitFor();
  await until("the recorded run stands there", () => page.locator(".live-run h2").innerText(), (text) => /Recorded run, seed 1/.test(text));
  await accessible("the lesson");
  step("the run is locked until a prediction is made; the recorded run stands there until then");
}

async function trainAndDisturb() {
  await page.getByRole("button", { name: "Start training" }).click();
  await until("the run goes", words, (text) => /live|running/i.test(text), 60);
  await until("points arrive", async () => (await run()).step, (n) => n > 1000);
  await page.getByRole("button", { name: "Pause" }).click();
  await until("paused", words, (text) => /paused/.test(text));
  const pausedAt = (await run()).step;
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await until("one iteration", async () => (await run()).step, (n) => n === pausedAt + 512);

  const slider = page.getByRole("slider", { name: /Clip range/ });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await until("the setting", async () => (await run()).settings.find((s) => s.name === "clip_range").value, (v) => Math.abs(v - 0.22) < 1e-9);
  step("pause, one iteration, clip range 0.20 → 0.22 while it goes");

  const before = (await run()).step;
  await page.reload();
  await until("the run is found again", stepShown, (n) => n >= before);
  await page.getByRole("button", { name: "Resume" }).click();
  await until("it goes on", async () => (await run()).step, (n) => n > before + 1000);
  const path = page.locator(".live-run svg path[d]").first();
  assert.ok((await path.getAttribute("d")).length > 40, "the chart has a line");
  step("reloaded in the middle: nothing lost, the series continue");
}

async function killAndResume() {
  const id = await runId();
  const before = (await run()).step;
  serverIsDown = true;
  await server.kill();
  server = await startServer(home.path, server.port);
  const truth = await until("the truth", () => api(`/api/runs/${id}`), (r) => r.state === "interrupted");
  assert.match(truth.state_words, /interrupted at step [\d,]+/);
  assert.ok(truth.step >= before, "the past is there");
  await page.reload();
  serverIsDown = false;
  await until("interrupted is said", words, (text) => /interrupted at step/.test(text));
  step(`server killed with SIGKILL; afterwards: "${truth.state_words}"`);

  await page.getByRole("button", { name: /Resume/ }).click();
  const solved = await until("solved", run, (r) => r.latest.return_mean_100 >= SOLVED || r.state === "failed", 240);
  assert.ok(solved.latest.return_mean_100 >= SOLVED, solved.state_words);
  step(`resumed from its checkpoint; mean return ${solved.latest.return_mean_100.toFixed(1)} at step ${solved.step}`);
  const stop = page.getByRole("button", { name: "Stop" });
  if (await stop.count()) await stop.click();
  await until("ended", async () => (await run()).state, (s) => ["stopped", "finished"].includes(s), 60);
  return id;
}

async function replay(id) {
  await page.goto(`${server.base}/runs/${id}`);
  const track = page.getByRole("slider", { name: "Step looked at" });
  await track.waitFor();
  const last = await until("the log is read", async () => Number(await track.getAttribute("aria-valuemax")), (n) => n > 10_000);
  await track.focus();
  await page.keyboard.press("Home");
  await until("the first update", async () => Number(await track.getAttribute("aria-valuenow")), (n) => n === 512);
  await page.keyboard.press(".");
  await until("one update on", async () => Number(await track.getAttribute("aria-valuenow")), (n) => n === 1024);
  await until("the step is in the address", async () => page.url(), (url) => /step=1024/.test(url));
  const at = await api(`/api/runs/${id}/at/1024`);
  const number = at.metrics.return_mean_100.toFixed(1);
  const card = page.locator(".card", { hasText: "Mean return" }).first();
  await until("the number of that step", () => card.innerText(), (text) => text.includes(number));
  await accessible("the run's page");
  step(`replayed from its folder (${last} steps), with the numbers of step 1,024`);
}

async function explore() {
  await page.goto(`${server.base}/instruments/clip-explorer`);
  const point = page.getByRole("slider", { name: /Probability ratio/ }).first();
  await point.focus();
  const before = Number(await point.getAttribute("aria-valuenow"));
  await page.keyboard.press("ArrowRight");
  assert.ok(Number(await point.getAttribute("aria-valuenow")) > before);
  await page.getByText(/outside/).first().waitFor();
  await accessible("the clip explorer");
  step("clip explorer by keyboard, over the run's own ratios");
}

const SUBMISSIONS = [
  ["wrong: a clamp alone", `import torch

def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = (log_probs - old_log_probs).exp()
    return -(ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()
`, /fail|not yet|do not pass/i],
  ["crashing", `def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    return log_probs.no_such_thing
`, /no_such_thing/],
  ["endless", `def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    while True:
        pass
`, /time/i],
  ["hostile: it prints a verdict and leaves", `import os

def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    print('{"verdict": "pass"}', flush=True)
    os._exit(0)
`, /ended|exit|process/i],
  ["right", `import torch

def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.minimum(ratio * advantages, clipped * advantages).mean()
`, /pass/i],
];

async function solve() {
  const health = await api("/health");
  if (health.sandbox_backend === "none") {
    console.log(`  *** SKIPPED: grading, for nothing here can isolate it: ${health.sandbox_reason} ***`);
    return;
  }
  await page.goto(`${server.base}/challenge/clipped-objective`);
  const editor = page.locator(".cm-content");
  await editor.waitFor();
  for (const [number, [name, source, expected]] of SUBMISSIONS.entries()) {
    await editor.click();
    await page.keyboard.press("Control+A");
    // Inserted as one paste: typed, the editor would indent what is indented already.
    await page.keyboard.insertText(source);
    await page.getByRole("button", { name: "Submit" }).click();
    const [attempt] = await until("a verdict", () => api("/api/challenges/clipped-objective/attempts"), (all) => all.length > number && all[0].status === "done", 60);
    assert.equal(attempt.verdict === "pass", name === "right", `${name}: ${attempt.summary}`);
    const card = page.locator(".verdict-card");
    await until(`the page tells: ${name}`, () => card.innerText(), (text) => expected.test(text));
    step(`${name}: ${attempt.verdict}, "${attempt.summary}"`);
  }
  await page.getByText("You have solved this.").waitFor();
  await accessible("the challenge");
  await page.goto(server.base);
  await page.getByText(/1 of \d+/).first().waitFor();
  step("the map counts it as done");
}

try {
  console.log("A person's way through the course:");
  await enterLesson();
  await predict();
  await trainAndDisturb();
  const id = await killAndResume();
  await replay(id);
  await explore();
  await solve();
  assert.deepEqual(faults, [], "errors in the browser's console");
  console.log(`\n${count()} passed, 0 failed`);
} catch (error) {
  const picture = new URL("./output/journey-failed.png", import.meta.url).pathname;
  await page.screenshot({ path: picture }).catch(() => {});
  console.error(`\nfailed after ${count()} steps: ${error.message}\npicture: ${picture}`);
  if (faults.length) console.error(`console: ${faults.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
  home.remove();
}

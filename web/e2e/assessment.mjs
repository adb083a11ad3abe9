/**
 * A person's way through a quiz, a derivation and a certificate, in a real browser:
 *
 *   node e2e/assessment.mjs
 *
 * A derivation by keyboard alone: its proof blocks, a wrong line with its counter-example, the right
 * one, proved by SymPy; an order dragged with the mouse; a question answered and another one asked
 * for; a certificate issued, verified, and refused once it was edited; progress saved and taken in.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { violations } from "./axe.mjs";
import { startServer, temporaryHome } from "./server.mjs";
import { startBrowser, steps, until } from "./steps.mjs";

const { step, count } = steps();
const browser = await startBrowser();
const home = temporaryHome();
const server = await startServer(home.path);
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
const faults = [];
page.on("pageerror", (error) => faults.push(String(error)));

const api = async (path) => (await fetch(`${server.base}/api${path}`)).json();

// A proof of "GAE as a mix of n-step advantages", by the beginnings of its blocks.
const PROOF = [
  "Let \\delta_k",
  "In \\sum_{k<n}",
  "So A^{(n)} = ",
  "The weights ",
  "So GAE is ",
  "Collect by k",
  "(1-\\lambda)\\sum_{n=k+1}",
  "So the weight of ",
  "\\hat A = \\sum",
];

async function accessible(name) {
  assert.deepEqual(await violations(page), [], `accessibility of ${name}`);
}

/** The ids of the blocks of the proof; each beginning is that of exactly one block. */
function idsOf(pieces) {
  const words = ({ children }) => children[0].children.map(({ text, tex }) => text ?? tex).join("");
  return PROOF.map((start) => {
    const found = pieces.filter((piece) => words(piece).startsWith(start));
    assert.equal(found.length, 1, `blocks that begin with ${start}`);
    return found[0].id;
  });
}

async function derive() {
  const slug = "gae-lambda-mix";
  await page.goto(`${server.base}/derivation/${slug}`);
  await page.locator(".proof-bank li").first().waitFor();
  const { pieces } = await api(`/derivations/${slug}`);
  const order = idsOf(pieces);
  let left = pieces.map(({ id }) => id);
  for (const id of order) {
    await page.locator(".proof-bank button").nth(left.indexOf(id)).focus();
    await page.keyboard.press("Enter");
    left = left.filter((other) => other !== id);
  }
  await page.locator(".proof-send button").focus();
  await page.keyboard.press("Enter");
  await page.getByText("This is a proof.").waitFor();
  step("a proof arranged by keyboard");

  await page.getByRole("textbox", { name: "Line 1" }).focus();
  await page.keyboard.type("sum(k,0,T-1,lam^k*delta(k))");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/The discount was lost/).first().waitFor();
  assert.match(await page.locator(".line-example").innerText(), /T = 2/);
  step("a wrong line named, with its smallest case");

  await page.getByRole("textbox", { name: "Line 1" }).fill("sum(k,0,T-1,(γ*λ)^k*δ(k))");
  await page.keyboard.press("Control+Enter");
  await page.getByText("You have derived this.").waitFor();
  await page.getByText(/Proved as a formula as well/).waitFor();
  await accessible("the derivation");
  step("the goal reached, proved by SymPy");
}

async function drag() {
  await page.goto(`${server.base}/questions/meeting-ppo`);
  const rows = page.locator(".sortable > li");
  await rows.nth(2).evaluate((row) => row.scrollIntoView({ block: "center" }));
  const words = await rows.nth(0).locator(".sortable-content").innerText();
  const grip = await rows.nth(0).locator(".sortable-grip").boundingBox();
  const target = await rows.nth(3).boundingBox();
  const [x, from] = [grip.x + 10, grip.y + 10];
  const to = target.y + 0.8 * target.height;
  await page.mouse.move(x, from);
  await page.mouse.down();
  for (let i = 1; i <= 20; i += 1) await page.mouse.move(x, from + ((to - from) * i) / 20);
  await page.mouse.up();
  assert.equal(await rows.nth(3).locator(".sortable-content").innerText(), words);
  step("an item dragged with the mouse to where it was let go");
}

async function answer() {
  const card = page.locator(".question").first();
  await card.getByRole("textbox").fill("about two");
  await card.getByRole("button", { name: "Answer" }).click();
  await card.getByText(/cannot be read|Write a number/).waitFor();
  await card.getByRole("textbox").fill("0");
  await page.keyboard.press("Enter");
  await card.getByText("Wrong.").waitFor();
  const first = await card.locator(".question-prompt").innerText();
  await card.getByRole("button", { name: "Another one like it" }).click();
  await until("other numbers", () => card.locator(".question-prompt").innerText(), (text) => text !== first);
  await accessible("the quiz");
  step("an unreadable answer cost nothing, a wrong one was explained, another variant came");
}

async function certify() {
  await page.goto(`${server.base}/progress`);
  await page.getByText("GAE as a mix").waitFor();
  await page.getByRole("textbox", { name: /Name/ }).fill("Ada Lovelace");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Issue and save" }).click(),
  ]);
  const text = readFileSync(await download.path(), "utf8");
  const file = (words) => ({ name: "f.json", mimeType: "application/json", buffer: Buffer.from(words) });
  const verify = page.getByLabel("Certificate to verify");
  await verify.setInputFiles(file(text));
  await page.getByText(/Nothing in it was changed/).waitFor();
  await verify.setInputFiles(file(text.replace("Ada", "Eve")));
  await page.getByText(/was changed after it was signed/).waitFor();
  step("a certificate issued and verified; edited, it was refused");

  const progress = await (await fetch(`${server.base}/api/progress/export`)).text();
  await page.getByLabel("Take a file in").setInputFiles(file(progress));
  await page.getByText(/0 added, [1-9]\d* known already/).waitFor();
  await accessible("the progress page");
  step("progress saved and taken in again, with nothing added");
}

try {
  console.log("A person's way through quiz, derivation and certificate:");
  await derive();
  await drag();
  await answer();
  await certify();
  assert.deepEqual(faults, [], "errors on the page");
  console.log(`\n${count()} passed, 0 failed`);
} catch (error) {
  const picture = new URL("./output/assessment-failed.png", import.meta.url).pathname;
  await page.screenshot({ path: picture }).catch(() => {});
  console.error(`\nfailed after ${count()} steps: ${error.message}\npicture: ${picture}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
  home.remove();
}

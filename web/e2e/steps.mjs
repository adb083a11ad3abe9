/** What the tests in a browser have in common: telling how far they are, waiting, a browser. */
import assert from "node:assert/strict";

import { launch } from "./browser.mjs";

/** Tells each step that passed, with the seconds since the beginning, and counts them. */
export function steps() {
  const started = Date.now();
  let passed = 0;
  return {
    step: (words) => {
      passed += 1;
      console.log(`  ✓ ${words} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    },
    count: () => passed,
  };
}

/** Wait until `read` gives a value that `holds`; the failure tells the last value. */
export async function until(what, read, holds, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    last = await read();
    if (holds(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${what}: waited ${seconds} s, and it is still ${JSON.stringify(last)}`);
}

/** A browser; where none starts the test is skipped, and says so, except in CI, where it fails. */
export async function startBrowser() {
  try {
    return await launch();
  } catch (error) {
    if (process.env.CI) throw error;
    console.log("\n*** SKIPPED: no browser starts on this machine, so the page was NOT tested. ***");
    console.log(String(error.message).split("\n").slice(0, 4).join("\n"));
    console.log("On Debian and Ubuntu: apt install libnss3 libexpat1, or apt install chromium.\n");
    process.exit(0);
  }
}

/**
 * A headless Chromium for tests and screenshots, found where there is one:
 * PPOLAB_CHROMIUM, an installed Chromium or Chrome, else the one that @sparticuz/chromium carries.
 */
import { accessSync, constants } from "node:fs";

import { chromium } from "playwright-core";

const INSTALLED = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

// Nothing of the browser's own may reach for the network, and a container gives it neither a user
// namespace nor a large /dev/shm.
const FLAGS = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
];

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a Chromium and the flags it needs; throws a sentence when there is none. */
export async function findChromium() {
  const named = process.env.PPOLAB_CHROMIUM;
  if (named) {
    if (!canRun(named)) throw new Error(`PPOLAB_CHROMIUM names ${named}, which cannot be run.`);
    return { executablePath: named, args: FLAGS };
  }
  const installed = INSTALLED.find(canRun);
  if (installed) return { executablePath: installed, args: FLAGS };
  try {
    const { default: carried } = await import("@sparticuz/chromium");
    const graphics = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
    return { executablePath: await carried.executablePath(), args: [...FLAGS, ...graphics] };
  } catch (error) {
    throw new Error(
      "No Chromium was found. Install one, name it in PPOLAB_CHROMIUM, or run `npm ci` in web/ " +
        `for the one that @sparticuz/chromium carries (${error.message}).`,
    );
  }
}

/** Start the browser; close it when done. */
export async function launch() {
  return chromium.launch({ ...(await findChromium()), headless: true });
}

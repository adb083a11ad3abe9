/** A server of the course for tests and screenshots, on a free port and in a home of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PPOLAB = fileURLToPath(new URL("../../.venv/bin/ppolab", import.meta.url));
const READY_SECONDS = 90; // a cold start reads torch from disk

/** A port that nobody listens on now. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A home folder for runs and progress that `remove` deletes. */
export function temporaryHome() {
  const path = mkdtempSync(join(tmpdir(), "ppolab-e2e-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Start a server; resolves when it says that it is ready. */
export async function startServer(home, port) {
  const chosen = port ?? (await freePort());
  const child = spawn(PPOLAB, ["serve", "--port", String(chosen), "--home", home], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const ready = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      said += chunk;
      if (said.includes("is ready at")) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`ppolab serve ended with ${code}:\n${said}`)));
    setTimeout(() => reject(new Error(`not ready after ${READY_SECONDS} s:\n${said}`)), READY_SECONDS * 1000).unref();
  });
  await ready;
  const end = (signal) =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.on("exit", () => resolve());
      child.kill(signal);
    });
  return {
    port: chosen,
    base: `http://127.0.0.1:${chosen}`,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** Which live run a lesson's learner started last, so that a reload finds it again. */

const KEY = "ppolab.lesson-run:";

export function rememberedRun(lesson: string): string | null {
  try {
    return localStorage.getItem(KEY + lesson);
  } catch {
    return null;
  }
}

export function rememberRun(lesson: string, runId: string): void {
  try {
    localStorage.setItem(KEY + lesson, runId);
  } catch {
    // Without storage the run is still found under Runs.
  }
}

/** What the server says when it refuses: the sentence, the field, the value and the mend. */
export interface ProblemParts {
  title: string;
  status: number;
  detail: string;
  field?: string | null;
  value?: string | null;
  mend?: string | null;
}

/** The one error that calls to the server raise; pages show it with `ProblemNotice`. */
export class ApiProblem extends Error {
  readonly title: string;
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number;
  readonly detail: string;
  readonly field: string | null;
  readonly value: string | null;
  readonly mend: string | null;

  constructor(parts: ProblemParts) {
    super(parts.detail);
    this.name = "ApiProblem";
    this.title = parts.title;
    this.status = parts.status;
    this.detail = parts.detail;
    this.field = parts.field ?? null;
    this.value = parts.value ?? null;
    this.mend = parts.mend ?? null;
  }

  /** No answer came: the server is stopped, restarting or out of reach. */
  get serverGone(): boolean {
    return this.status === 0;
  }
}

/** The problem of a request that nobody answered. */
export function serverGoneProblem(): ApiProblem {
  return new ApiProblem({
    title: "The server does not answer",
    status: 0,
    detail: "PPO Lab's server does not answer.",
    mend: "Start it again in a terminal with `ppolab serve`. This page tries again by itself.",
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Read a refusal of the server, whatever its body is. */
export function problemFrom(status: number, body: unknown): ApiProblem {
  const parts = isRecord(body) ? body : {};
  return new ApiProblem({
    title: text(parts.title) ?? "The request failed",
    status,
    detail: text(parts.detail) ?? `The server answered with status ${status} and no reason.`,
    field: text(parts.field),
    value: text(parts.value),
    mend: text(parts.mend),
  });
}

/** Turn anything thrown into an ApiProblem, so that a page has one thing to show. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiProblem({ title: "Something on this page failed", status: -1, detail });
}

import createClient, { type Middleware } from "openapi-fetch";

import { problemFrom, serverGoneProblem } from "./problem";
import type { components, paths } from "./schema";
import { serverAnswered, serverSilent } from "./serverStatus";

/** The wire types by their names in the server's schema, e.g. `Wire["RunDetail"]`. */
export type Wire = components["schemas"];

const watchServer: Middleware = {
  onResponse() {
    serverAnswered();
  },
  onError() {
    serverSilent();
    return serverGoneProblem();
  },
};

/** Calls to the server, typed by its OpenAPI document. Wrap each in `answer`. */
export const api = createClient<paths>({
  baseUrl: typeof window === "undefined" ? "http://localhost" : window.location.origin,
  // Looked up at each call, so that a test or an extension may put another in its place.
  fetch: (request) => globalThis.fetch(request),
});
api.use(watchServer);

interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The data of a call, or an `ApiProblem` thrown.
 *
 *     const course = await answer(api.GET("/api/course"));
 */
export async function answer<T>(call: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemFrom(response.status, error);
  return data as T;
}

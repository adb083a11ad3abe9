import { afterEach, describe, expect, it, vi } from "vitest";

import { answer, api } from "./client";
import { ApiProblem, asProblem } from "./problem";
import { serverAnswered, useServerStatus } from "./serverStatus";

afterEach(() => {
  vi.unstubAllGlobals();
  serverAnswered();
});
const answering = (status: number, body: string, type = "application/problem+json") =>
  vi.stubGlobal("fetch", async () => new Response(body, { status, headers: { "content-type": type } }));
const failure = () => answer(api.GET("/api/course")).then(() => null, (error: unknown) => error as ApiProblem);

describe("a call to the server", () => {
  it("gives the data", async () => {
    answering(200, '{"title":"PPO Lab"}', "application/json");
    expect(await answer(api.GET("/api/course"))).toEqual({ title: "PPO Lab" });
  });

  it("that is refused becomes a problem with field, value and mend", async () => {
    answering(
      404,
      '{"title":"Unknown name","status":404,"detail":"preset: \'x\' is not known","field":"preset","value":"\'x\'","mend":"Known: cartpole"}',
    );
    const problem = await failure();
    expect(problem).toBeInstanceOf(ApiProblem);
    expect(problem).toMatchObject({ status: 404, field: "preset", value: "'x'", mend: "Known: cartpole" });
  });

  it("that is refused without a reason still names the status", async () => {
    answering(502, "<html>bad gateway</html>", "text/html");
    expect((await failure())?.detail).toContain("502");
  });

  it("that nobody answers says that the server is gone, and the banner learns of it", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed")));
    expect((await failure())?.serverGone).toBe(true);
    expect(useServerStatus.getState().gone).toBe(true);
  });
});

it("anything thrown can be shown", () => {
  expect(asProblem(new Error("broken")).detail).toBe("broken");
  expect(asProblem("text").detail).toBe("text");
});

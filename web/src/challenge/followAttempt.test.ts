// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { followAttempt, readMessage } from "./followAttempt";

class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  close() {
    this.closed = true;
  }
  say(status: string) {
    this.onmessage?.({ data: JSON.stringify({ type: "attempt", attempt: { id: 7, status } }) });
  }
}

function follow() {
  const heard: string[] = [];
  const stop = followAttempt(
    7,
    {
      onAttempt: (attempt) => heard.push(attempt.status),
      onConnection: (state) => heard.push(state),
      onRefused: (words) => heard.push(`refused: ${words}`),
    },
    (url) => new FakeSocket(url) as unknown as WebSocket,
  );
  return { heard, stop };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => vi.useRealTimers());

describe("following an attempt", () => {
  it("asks for its own attempt and ends when it is done", () => {
    const { heard } = follow();
    const [socket] = FakeSocket.all;
    expect(socket?.url).toBe("ws://localhost:3000/ws/attempts/7");
    socket?.onopen?.();
    socket?.say("running");
    socket?.say("done");
    expect(heard).toEqual(["live", "running", "done"]);
    expect(socket?.closed).toBe(true);
    socket?.onclose?.();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("comes back after a lost connection and says so meanwhile", () => {
    const { heard } = follow();
    FakeSocket.all[0]?.onclose?.();
    expect(heard).toEqual(["reconnecting"]);
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.all[1]?.onopen?.();
    FakeSocket.all[1]?.say("done");
    expect(heard.slice(1)).toEqual(["live", "done"]);
  });

  it("waits longer each time, at most 10 s", () => {
    follow();
    for (let i = 0; i < 10; i++) {
      FakeSocket.all.at(-1)?.onclose?.();
      vi.advanceTimersByTime(10_000);
    }
    expect(FakeSocket.all).toHaveLength(11);
    FakeSocket.all.at(-1)?.onclose?.();
    vi.advanceTimersByTime(3000);
    expect(FakeSocket.all).toHaveLength(11);
  });

  it("ends with the server's words when the attempt is unknown", () => {
    const { heard } = follow();
    const problem = { title: "Not found", status: 404, detail: "attempt: 7 is not known." };
    FakeSocket.all[0]?.onmessage?.({ data: JSON.stringify({ type: "error", problem }) });
    FakeSocket.all[0]?.onclose?.();
    vi.advanceTimersByTime(60_000);
    expect(heard).toEqual(["refused: attempt: 7 is not known."]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("stays quiet once stopped", () => {
    const { heard, stop } = follow();
    stop();
    FakeSocket.all[0]?.say("running");
    FakeSocket.all[0]?.onclose?.();
    vi.advanceTimersByTime(60_000);
    expect(heard).toEqual([]);
  });
});

it("reads nothing out of a message that is none", () => {
  for (const data of ["{", "null", "[]", '{"type":"attempt"}', 5, undefined]) {
    expect(readMessage(data)).toBeNull();
  }
});

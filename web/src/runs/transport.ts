import { answer, api, type Wire } from "../api/client";
import { askNow } from "../api/serverStatus";
import { KEPT_KINDS, type RunEvent } from "./record";

export type ServerMessage = Wire["ServerMessage"];
export type ClientMessage = Wire["ClientMessage"];

/** An open connection that follows a run. */
export interface Connection {
  send(message: ClientMessage): void;
  close(): void;
}

export interface ConnectionHandlers {
  onMessage(message: ServerMessage): void;
  /** The connection ended, or never came up. Called once, not after `close()`. */
  onEnd(): void;
}

/** Where a feed gets its run from: the server, or in tests and replays something else. */
export interface Transport {
  detail(id: string): Promise<Wire["RunDetail"]>;
  events(id: string): Promise<{ events: RunEvent[]; cursor: number }>;
  series(id: string): Promise<Wire["Series"]>;
  follow(id: string, cursor: number, handlers: ConnectionHandlers): Connection;
}

const PAGE = 1000; // events a request
const POINTS = 4000; // the server reduces longer series to about this many points a metric

/** The server's transport: REST for the past, a WebSocket for what follows. */
export const serverTransport: Transport = {
  detail: (id) => answer(api.GET("/api/runs/{run_id}", { params: { path: { run_id: id } } })),

  async events(id) {
    const kinds = KEPT_KINDS.join(",");
    const events: RunEvent[] = [];
    let cursor = 0;
    for (;;) {
      const page = await answer(
        api.GET("/api/runs/{run_id}/events", {
          params: { path: { run_id: id }, query: { cursor, limit: PAGE, kinds } },
        }),
      );
      events.push(...page.events);
      if (page.events.length < PAGE || page.cursor <= cursor) {
        return { events, cursor: Math.max(cursor, page.cursor) };
      }
      cursor = page.cursor;
    }
  },

  series: (id) =>
    answer(
      api.GET("/api/runs/{run_id}/series", {
        params: { path: { run_id: id }, query: { px: POINTS } },
      }),
    ),

  follow(id, cursor, handlers) {
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const address = `${scheme}://${window.location.host}/ws/runs/${encodeURIComponent(id)}?cursor=${cursor}`;
    const socket = new WebSocket(address);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      // A socket does not say why it ended; the banner shows only if the server is silent too.
      void askNow();
      handlers.onEnd();
    };
    socket.onmessage = (event) => {
      if (!ended) handlers.onMessage(JSON.parse(String(event.data)) as ServerMessage);
    };
    socket.onclose = end;
    socket.onerror = () => socket.close();
    return {
      send(message) {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
      },
      close() {
        ended = true;
        socket.close();
      },
    };
  },
};

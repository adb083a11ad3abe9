import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { woff2Only } from "./vite-plugins.ts";

const server = process.env.PPOLAB_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [woff2Only(), react(), tailwindcss()],
  build: {
    outDir: "../src/ppolab/_web",
    emptyOutDir: true,
    target: "baseline-widely-available",
    // A data: address would need a wider content security policy than 'self'.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": server,
      "/health": server,
      "/ws": { target: server.replace(/^http/, "ws"), ws: true },
    },
  },
});

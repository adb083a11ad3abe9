import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Starting jsdom costs a second a file, so tests run in plain node unless the file asks for a page
// with `// @vitest-environment jsdom` on its first line.
export default defineConfig({
  plugins: [react()],
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts"],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});

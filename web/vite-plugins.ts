import type { Plugin } from "vite";

/**
 * KaTeX names each of its fonts as woff2, woff and ttf. Every browser that runs this page reads
 * woff2, so the other two are dropped before they reach the build (60 files become 20).
 */
export function woff2Only(): Plugin {
  return {
    name: "woff2-only",
    enforce: "pre",
    transform(code, id) {
      if (!/katex[^?]*\.css/.test(id)) return undefined;
      return code
        .replace(/,\s*url\([^)]*\.woff\) format\(["']woff["']\)/g, "")
        .replace(/,\s*url\([^)]*\.ttf\) format\(["']truetype["']\)/g, "");
    },
  };
}

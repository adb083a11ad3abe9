import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { TexRenderer } from "./katex";

/** KaTeX is large, so it comes in a chunk of its own, fetched once by the first formula. */
let renderer: TexRenderer | null = null;
let loading: Promise<TexRenderer> | null = null;

/** Fetch KaTeX ahead of the first formula. Called again after a failure, it tries again. */
export function loadTex(): Promise<TexRenderer> {
  loading ??= import("./katex").then(
    (module) => (renderer = module.renderTex),
    (error: unknown) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

function useTexRenderer(): TexRenderer | "unavailable" | null {
  const [state, setState] = useState<TexRenderer | "unavailable" | null>(() => renderer);
  useEffect(() => {
    if (state !== null) return;
    let here = true;
    loadTex().then(
      (render) => here && setState(() => render),
      () => here && setState("unavailable"),
    );
    return () => {
      here = false;
    };
  }, [state]);
  return state;
}

/**
 * A formula. Terms wrapped in `\htmlClass{m-actor}{…}` carry their role's colour. A formula that
 * KaTeX refuses is shown as its source with the reason.
 */
export function Tex({ tex, display = false }: { tex: string; display?: boolean }) {
  const target = useRef<HTMLSpanElement>(null);
  const render = useTexRenderer();
  const [problem, setProblem] = useState<string | null>(null);

  useLayoutEffect(() => {
    if (typeof render !== "function" || !target.current) return;
    setProblem(render(tex, target.current, display));
  }, [render, tex, display]);

  const className = display ? "tex tex-display" : "tex";
  if (render === "unavailable") return <code className="tex-source">{tex}</code>;
  return (
    <>
      {/* A wide formula scrolls in itself, so it must be reachable by keyboard. */}
      <span
        ref={target}
        className={className}
        hidden={problem !== null}
        tabIndex={display ? 0 : undefined}
        role={display ? "group" : undefined}
        aria-label={display ? "Formula" : undefined}
      />
      {problem !== null && (
        <span className="tex-problem">
          <code>{tex}</code> <em>This formula cannot be set: {problem}</em>
        </span>
      )}
    </>
  );
}

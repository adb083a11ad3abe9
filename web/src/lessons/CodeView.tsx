import { useMemo } from "react";
import { pythonTokens } from "./pythonTokens";

interface CodeViewProps {
  language: string;
  text: string;
  /** file and lines the listing was taken from */
  source?: string | null;
}

/** A listing, coloured for Python, with where it was taken from. */
export function CodeView({ language, text, source }: CodeViewProps) {
  const isPython = /^(python|py)\b/.test(language);
  const tokens = useMemo(
    () => (isPython ? pythonTokens(text) : [{ kind: "plain" as const, text }]),
    [isPython, text],
  );
  return (
    <figure className="code-view">
      {source && (
        <figcaption>
          From the engine itself: <code>{source}</code>
        </figcaption>
      )}
      <pre tabIndex={0} aria-label={source ? `Code from ${source}` : "Code"}>
        <code>
          {tokens.map((token, i) =>
            token.kind === "plain" ? (
              token.text
            ) : (
              <span key={i} className={`tok-${token.kind}`}>
                {token.text}
              </span>
            ),
          )}
        </code>
      </pre>
    </figure>
  );
}

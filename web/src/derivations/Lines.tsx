import { Check, CornerDownLeft, Trash2, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { asProblem } from "../api/problem";
import { Keys } from "../ui/Kbd";
import { Tex } from "../ui/math/Tex";
import { keepLines, openingLines } from "./lineDraft";
import type { Chain, LineResult, LinesResult } from "./queries";

interface LinesProps {
  slug: string;
  chain: Chain;
  onWrite: (lines: string[]) => Promise<LinesResult>;
  /** which lines are equal to the one before as formulas */
  onProve: (lines: string[]) => Promise<boolean[]>;
}

interface Found {
  /** the lines that were checked, to tell when they have been changed since */
  texts: string[];
  lines: LineResult[];
  reached: boolean;
  words: string;
  proved: boolean[];
}

const SIGNS = { "=": "=", ">=": "\\ge", "<=": "\\le" } as const;

/** A chain of lines to write, each shown as a formula and judged once it is checked. */
export function Lines({ slug, chain, onWrite, onProve }: LinesProps) {
  const title = useId();
  const fields = useRef<(HTMLInputElement | null)[]>([]);
  const [texts, setTexts] = useState(() => openingLines(slug, chain.number, chain.lines));
  const [sending, setSending] = useState(false);
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const focusNext = useRef<number | null>(null);
  useEffect(() => {
    if (focusNext.current !== null) fields.current[focusNext.current]?.focus();
    focusNext.current = null;
  });

  function change(lines: string[]) {
    setTexts(lines);
    keepLines(slug, chain.number, lines);
  }
  function addAfter(index: number) {
    focusNext.current = index + 1;
    change(texts.toSpliced(index + 1, 0, ""));
  }
  function remove(index: number) {
    focusNext.current = Math.max(0, index - 1);
    change(texts.length === 1 ? [""] : texts.toSpliced(index, 1));
  }
  function onKey(event: KeyboardEvent, index: number) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void check();
    else if (event.key === "Enter") addAfter(index);
    else if (event.key === "Backspace" && texts[index] === "" && texts.length > 1) remove(index);
    else if (event.key === "ArrowUp") fields.current[index - 1]?.focus();
    else if (event.key === "ArrowDown") fields.current[index + 1]?.focus();
    else return;
    event.preventDefault();
  }
  async function check() {
    if (sending) return;
    const written = texts.filter((text) => text.trim() !== "");
    if (written.length > 0) change(written);
    setSending(true);
    setProblem(null);
    try {
      const result = await onWrite(written);
      setFound({ texts: written, proved: [], ...result });
      if (result.reached) {
        const proved = await onProve(written).catch(() => []);
        setFound((now) => now && { ...now, proved });
      }
    } catch (error) {
      setProblem(`This was not kept. ${asProblem(error).detail}`);
    }
    setSending(false);
  }

  return (
    <section className="lines card" aria-labelledby={title}>
      <h3 id={title}>
        {chain.name}
        {chain.reached && (
          <span className="lines-reached">
            <Check size={15} aria-hidden /> reached
          </span>
        )}
      </h3>
      <p className="caption">Goal: {chain.goal}</p>
      <ol className="lines-list">
        <li className="lines-start">
          <code>{chain.start}</code>
          <Tex tex={chain.start_tex} display />
        </li>
        {texts.map((text, index) => {
          // A verdict is about a line and all before it.
          const same = found?.texts.slice(0, index + 1).every((checked, i) => checked === texts[i]);
          const line = same && found ? found.lines[index] : undefined;
          return (
            <li key={index}>
              <div className="lines-field">
                <input
                  ref={(element) => {
                    fields.current[index] = element;
                  }}
                  className="field"
                  aria-label={`Line ${index + 1}`}
                  aria-describedby={line ? `${title}-${index}` : undefined}
                  aria-invalid={line ? line.status === "wrong" || line.status === "unreadable" : undefined}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  maxLength={400}
                  value={text}
                  onChange={(event) => change(texts.with(index, event.target.value))}
                  onKeyDown={(event) => onKey(event, index)}
                />
                <button
                  type="button"
                  className="btn btn-icon btn-quiet"
                  aria-label={`Remove line ${index + 1}`}
                  onClick={() => remove(index)}
                >
                  <Trash2 size={15} aria-hidden />
                </button>
              </div>
              {line && (
                <div id={`${title}-${index}`}>
                  <LineView line={line} proved={found?.proved[index] ?? false} />
                </div>
              )}
            </li>
          );
        })}
      </ol>
      <p className="lines-buttons">
        <button type="button" className="btn" onClick={() => addAfter(texts.length - 1)}>
          <CornerDownLeft size={15} aria-hidden /> Add a line
        </button>
        <button type="button" className="btn btn-primary" disabled={sending} onClick={() => void check()}>
          {sending ? "Checking…" : "Check the lines"}
        </button>
        <Keys keys="mod+enter" />
        {chain.relations.length > 1 && (
          <span className="caption">
            A line may begin with <code>{chain.relations.filter((r) => r !== "=").join(" ")}</code>.
          </span>
        )}
      </p>
      <div role="status">{found && <p className="lines-words">{found.words}</p>}</div>
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}

function LineView({ line, proved }: { line: LineResult; proved: boolean }) {
  if (line.status === "not checked") return <p className="caption">Not checked: a line above does not hold.</p>;
  return (
    <>
      {line.tex && <Tex tex={`${SIGNS[line.relation]}\\; ${line.tex}`} display />}
      <p className="line-words">
        {line.status === "right" ? <Check size={15} aria-hidden /> : <X size={15} aria-hidden />}
        <span>
          {line.words}
          {proved && " Proved as a formula as well."}
        </span>
      </p>
      {line.example && <Example example={line.example} />}
    </>
  );
}

function Example({ example }: { example: NonNullable<LineResult["example"]> }) {
  return (
    <div className="line-example">
      <p>
        For example with {example.size}: the line before is <strong className="num">{example.before}</strong>, this
        one <strong className="num">{example.line}</strong>.
      </p>
      <dl>
        {example.quantities.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

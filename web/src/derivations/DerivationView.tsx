import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { Blocks } from "../lessons/Blocks";
import { Inlines } from "../lessons/Inlines";
import "../challenge/challenge.css";
import "../lessons/lesson.css";
import { Tex } from "../ui/math/Tex";
import "./derivations.css";
import { Lines } from "./Lines";
import { ProofBlocks } from "./ProofBlocks";
import type { Derivation, LinesResult, ProofResult } from "./queries";

/** What the page asks of the server; each rejects with an ApiProblem. */
export interface DerivationCalls {
  arrange: (pieces: string[]) => Promise<ProofResult>;
  write: (chain: number, lines: string[]) => Promise<LinesResult>;
  prove: (chain: number, lines: string[]) => Promise<boolean[]>;
  hint: () => Promise<void>;
}

/** A derivation: what to derive, proof blocks first, then lines, hints, and what it comes to. */
export function DerivationView({ derivation, calls }: { derivation: Derivation; calls: DerivationCalls }) {
  const { slug } = derivation;
  return (
    <div className="derivation prose">
      <p className="eyebrow">Derivation · about {derivation.minutes} minutes</p>
      <h1>{derivation.title}</h1>
      {derivation.done && (
        <p className="derivation-done" role="status">
          <CircleCheck size={18} aria-hidden /> You have derived this.
        </p>
      )}
      <Blocks of={derivation.prompt} />
      <section aria-labelledby="proof-title">
        <h2 id="proof-title">1. Arrange a proof</h2>
        <p>
          Choose blocks and bring them into an order in which each stands after what it rests on, up to
          what was to be shown. Some belong to no proof, and there may be more than one that is right.
        </p>
        <ProofBlocks derivation={derivation} onArrange={calls.arrange} />
      </section>
      <section aria-labelledby="lines-title">
        <h2 id="lines-title">2. Write it line by line</h2>
        <div className="derivation-world">
          <Blocks of={derivation.world} />
        </div>
        <p>
          Each line is tried against the one before it on about 200 random cases; any steps that hold
          are right, however few or many.
        </p>
        <Language derivation={derivation} />
        {derivation.chains.map((chain) => (
          <Lines
            key={`${slug} ${chain.number}`}
            slug={slug}
            chain={chain}
            onWrite={(lines) => calls.write(chain.number, lines)}
            onProve={(lines) => calls.prove(chain.number, lines)}
          />
        ))}
      </section>
      <Hints derivation={derivation} onHint={calls.hint} />
      {derivation.explanation.length > 0 && (
        <section className="note" aria-labelledby="what-title">
          <p className="note-title" id="what-title">
            What it came to
          </p>
          <Blocks of={derivation.explanation} />
        </section>
      )}
    </div>
  );
}

function Language({ derivation }: { derivation: Derivation }) {
  return (
    <details className="derivation-language">
      <summary>What a line may hold</summary>
      <div className="prose-table" tabIndex={0} role="region" aria-label="Symbols">
        <table>
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col">Reads as</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {derivation.symbols.map((symbol) => (
              <tr key={symbol.name}>
                <td>
                  <code>{symbol.name}</code>
                </td>
                <td>
                  <Tex tex={symbol.tex} />
                </td>
                <td>
                  <Inlines of={symbol.words} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        Also numbers, <code>+ - * / ^</code>, parentheses
        {derivation.functions.length > 0 && " and the functions "}
        {derivation.functions.map((name, i) => (
          <span key={name}>
            {i > 0 && ", "}
            <code>{name}</code>
          </span>
        ))}
        . Greek letters may be typed as they are.
      </p>
    </details>
  );
}

function Hints({ derivation, onHint }: { derivation: Derivation; onHint: () => Promise<void> }) {
  const [problem, setProblem] = useState<string | null>(null);
  const { hints, hints_total: total, hint_waits: waits } = derivation;
  return (
    <section className="hints" aria-label="Hints">
      <ol aria-live="polite">
        {hints.map((hint, i) => (
          <li key={i}>
            <p className="hint-name">
              Hint {i + 1} of {total}
            </p>
            <Blocks of={hint} />
          </li>
        ))}
      </ol>
      {hints.length < total &&
        (waits > 0 ? (
          <p className="caption">
            {hints.length === 0 ? "A hint" : "The next hint"} opens after {waits} more{" "}
            {waits === 1 ? "attempt" : "attempts"}.
          </p>
        ) : (
          <button
            type="button"
            className="btn"
            onClick={() => {
              setProblem(null);
              onHint().catch((error: unknown) => setProblem(asProblem(error).detail));
            }}
          >
            {hints.length === 0 ? "Show a hint" : "Show the next hint"} ({hints.length + 1} of {total})
          </button>
        ))}
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}

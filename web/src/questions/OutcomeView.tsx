import { Check, Minus, X } from "lucide-react";
import { Blocks } from "../lessons/Blocks";
import { Inlines } from "../lessons/Inlines";
import { OptionReasons } from "../lessons/OptionReasons";
import type { Outcome, Question } from "./queries";

interface OutcomeViewProps {
  question: Question;
  outcome: Outcome;
  onTick: (ticked: number[]) => void;
}

const WORDS = { right: "Right.", wrong: "Wrong.", "not counted": "Kept." } as const;

/** What came of an answer: the verdict in words, what is right, and why. */
export function OutcomeView({ question, outcome, onTick }: OutcomeViewProps) {
  const Icon = { right: Check, wrong: X, "not counted": Minus }[outcome.verdict];
  // The verdict already says what the words of a plain mark would say again.
  const more = ["Right.", "Wrong."].includes(outcome.words) ? "" : outcome.words;
  return (
    <>
      <p className="predict-verdict">
        <Icon size={18} aria-hidden /> {WORDS[outcome.verdict]} {more}
      </p>
      <Answers question={question} outcome={outcome} />
      {outcome.explanation.length > 0 && (
        <div className="question-explanation">
          {question.kind === "free-text" && <h3>A model answer</h3>}
          <Blocks of={outcome.explanation} />
        </div>
      )}
      {outcome.rubric.length > 0 && <Rubric outcome={outcome} onTick={onTick} />}
    </>
  );
}

function Answers({ question, outcome }: { question: Question; outcome: Outcome }) {
  switch (question.kind) {
    case "choice":
    case "prediction":
      return (
        <OptionReasons
          options={question.options}
          chosen={String(outcome.answer)}
          correct={String(outcome.correct)}
          reasonOf={(option) => <Inlines of={outcome.reasons[option] ?? []} />}
          correctTag={question.kind === "prediction" ? "what came" : "right"}
        />
      );
    case "ordering":
      return <Order question={question} outcome={outcome} />;
    case "configuration":
      return <Values question={question} outcome={outcome} />;
    case "numeric":
      return (
        <p>
          You wrote <span className="num">{String(outcome.answer)}</span>
          {outcome.verdict === "wrong" && (
            <>
              ; it is <strong className="num">{String(outcome.correct)}</strong>
              {question.unit && ` ${question.unit}`}
            </>
          )}
          .
        </p>
      );
    case "free-text":
      return <blockquote className="question-own">{String(outcome.answer)}</blockquote>;
  }
}

function Order({ question, outcome }: { question: Question; outcome: Outcome }) {
  const right = outcome.correct as string[];
  const given = outcome.answer as string[];
  return (
    <ol className="predict-reasons question-order">
      {right.map((id, i) => (
        <li key={id}>
          <p>
            <span className="num">{i + 1}</span>
            <span>
              <Inlines of={question.options.find((option) => option.id === id)?.children ?? []} />
              {given[i] !== id && <em className="predict-tag">you had it at {given.indexOf(id) + 1}</em>}
            </span>
          </p>
          {outcome.reasons[id] && (
            <p className="predict-reason">
              <Inlines of={outcome.reasons[id]} />
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

function Values({ question, outcome }: { question: Question; outcome: Outcome }) {
  const given = outcome.answer as Record<string, string>;
  const right = outcome.correct as Record<string, string>;
  return (
    <div className="prose-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Yours</th>
            <th scope="col">One that fits</th>
          </tr>
        </thead>
        <tbody>
          {question.settings.map(({ name, label }) => (
            <tr key={name}>
              <td>
                <code>{label}</code>
              </td>
              <td className="num">{given[name]}</td>
              <td className="num">{right[name]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Rubric({ outcome, onTick }: { outcome: Outcome; onTick: (ticked: number[]) => void }) {
  const ticked = outcome.ticked ?? [];
  return (
    <fieldset className="question-rubric">
      <legend>What of this does yours say? For yourself; it is not counted.</legend>
      {outcome.rubric.map((point, i) => (
        <label key={i}>
          <input
            type="checkbox"
            checked={ticked.includes(i)}
            onChange={(event) =>
              onTick(event.target.checked ? [...ticked, i] : ticked.filter((other) => other !== i))
            }
          />
          {point}
        </label>
      ))}
    </fieldset>
  );
}

import { type FormEvent, useId, useState } from "react";
import { plainText } from "../lessons/ast";
import { Inlines } from "../lessons/Inlines";
import { OptionRadios } from "../lessons/OptionRadios";
import { SortableList } from "../ui/SortableList";
import type { AnswerValue, Question } from "./queries";

interface AnswerFormProps {
  question: Question;
  sending: boolean;
  /** why the last answer could not be read, if it could not */
  problem: string | null;
  onProblem: (words: string) => void;
  onAnswer: (answer: AnswerValue) => void;
}

const SEND: Record<Question["kind"], string> = {
  numeric: "Answer",
  choice: "Answer",
  ordering: "Answer with this order",
  prediction: "Commit and run it",
  configuration: "Check these settings",
  "free-text": "Keep it and compare",
};

/** The way to answer that a kind of question asks for; all of them end in one button. */
export function AnswerForm({ question, sending, problem, onProblem, onAnswer }: AnswerFormProps) {
  const [value, setValue] = useState<AnswerValue>(() => emptyAnswer(question));

  function send(event: FormEvent) {
    event.preventDefault();
    if (value === "") onProblem(question.options.length ? "Choose one of the options first." : "Write an answer first.");
    else onAnswer(value);
  }

  return (
    <form onSubmit={send}>
      <fieldset disabled={sending} aria-invalid={problem !== null}>
        <legend className="sr-only">Your answer to: {question.title}</legend>
        <Fields question={question} value={value} onValue={setValue} problem={problem} />
      </fieldset>
      <button type="submit" className="btn btn-primary" disabled={sending}>
        {sending ? "Checking…" : SEND[question.kind]}
      </button>
    </form>
  );
}

/** What stands in the form before anything is done. */
export function emptyAnswer(question: Question): AnswerValue {
  switch (question.kind) {
    case "ordering":
      return question.options.map((option) => option.id);
    case "configuration":
      return Object.fromEntries(question.settings.map(({ name, start }) => [name, start]));
    default:
      return "";
  }
}

interface FieldsProps {
  question: Question;
  value: AnswerValue;
  onValue: (value: AnswerValue) => void;
  problem: string | null;
}

function Fields({ question, value, onValue, problem }: FieldsProps) {
  const id = useId();
  const described = problem ? `question-${question.slug}-problem` : undefined;
  switch (question.kind) {
    case "numeric":
      return (
        <p className="question-number">
          <label htmlFor={id}>Your answer</label>
          <input
            id={id}
            className="field num"
            inputMode="text"
            autoComplete="off"
            aria-describedby={described}
            value={String(value)}
            onChange={(event) => onValue(event.target.value)}
          />
          {question.unit && <span>{question.unit}</span>}
        </p>
      );
    case "choice":
    case "prediction":
      return (
        <div className="question-options">
          <OptionRadios
            name={id}
            options={question.options}
            chosen={String(value)}
            onChoose={onValue}
          />
        </div>
      );
    case "ordering":
      return <Ordering question={question} value={value as string[]} onValue={onValue} />;
    case "configuration":
      return (
        <>
          <Settings question={question} value={value as Record<string, string>} onValue={onValue} />
          <Demands question={question} />
        </>
      );
    case "free-text":
      return (
        <p className="question-text">
          <label htmlFor={id}>Your explanation</label>
          <textarea
            id={id}
            className="field"
            rows={5}
            maxLength={4000}
            aria-describedby={described}
            value={String(value)}
            onChange={(event) => onValue(event.target.value)}
          />
        </p>
      );
  }
}

function Ordering({ question, value, onValue }: { question: Question; value: string[]; onValue: (v: string[]) => void }) {
  const items = value.flatMap((id) => question.options.filter((option) => option.id === id));
  return (
    <SortableList
      label={question.title}
      items={items.map(({ id, children }) => ({
        id,
        name: plainText(children),
        content: <Inlines of={children} />,
      }))}
      onOrder={onValue}
    />
  );
}

interface SettingsProps {
  question: Question;
  value: Record<string, string>;
  onValue: (value: Record<string, string>) => void;
}

function Settings({ question, value, onValue }: SettingsProps) {
  return (
    <div className="question-settings">
      {question.settings.map(({ name, label, unit }) => (
        <label key={name}>
          <code>{label}</code>
          <span>
            <input
              className="field num"
              inputMode="numeric"
              autoComplete="off"
              value={value[name] ?? ""}
              onChange={(event) => onValue({ ...value, [name]: event.target.value })}
            />
            {unit}
          </span>
        </label>
      ))}
    </div>
  );
}

function Demands({ question }: { question: Question }) {
  return (
    <ul className="question-demands" aria-label="What must hold">
      {question.demands.map((demand, i) => (
        <li key={i}>
          <Inlines of={demand} />
        </li>
      ))}
    </ul>
  );
}

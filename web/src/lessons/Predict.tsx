import { Check, X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { asProblem } from "../api/problem";
import type { PredictBlock, Prediction } from "./ast";
import { Blocks } from "./Blocks";
import { useLesson } from "./LessonContext";
import { OptionRadios } from "./OptionRadios";
import { OptionReasons } from "./OptionReasons";

/**
 * A question to answer before something is shown. The server keeps the first answer and only then
 * tells which option is right and why each of them is or is not.
 */
export function Predict({ block }: { block: PredictBlock }) {
  const lesson = useLesson();
  const made = lesson?.predictions[block.id];
  return (
    <section className="predict" id={`predict-${block.id}`} aria-label="Prediction" tabIndex={-1}>
      <p className="predict-eyebrow">{made ? "Your prediction" : "Predict first"}</p>
      <div className="predict-question">
        <Blocks of={block.question} />
      </div>
      {made ? <Answered block={block} made={made} /> : <Question block={block} />}
    </section>
  );
}

function Question({ block }: { block: PredictBlock }) {
  const lesson = useLesson();
  const group = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function send(event: FormEvent) {
    event.preventDefault();
    if (chosen === null) {
      setProblem("Choose one of the answers first.");
      return;
    }
    setSending(true);
    setProblem(null);
    try {
      await lesson?.predict(block.id, chosen);
    } catch (error) {
      setProblem(`Your prediction was not kept. ${asProblem(error).detail}`);
      setSending(false);
    }
  }

  return (
    <form onSubmit={send}>
      <fieldset disabled={sending || !lesson}>
        <legend className="sr-only">Your answer</legend>
        <OptionRadios
          name={group}
          options={block.options}
          chosen={chosen}
          onChoose={(option) => {
            setChosen(option);
            setProblem(null);
          }}
        />
      </fieldset>
      <div className="predict-send">
        <button type="submit" className="btn btn-primary" disabled={sending}>
          {sending ? "Keeping it…" : "Commit to this prediction"}
        </button>
        <span className="caption">The first answer counts; there is no penalty.</span>
      </div>
      {problem && (
        <p role="alert" className="predict-problem">
          {problem}
        </p>
      )}
    </form>
  );
}

function Answered({ block, made }: { block: PredictBlock; made: Prediction }) {
  const right = made.chosen === made.correct;
  return (
    <div role="status">
      <p className="predict-verdict">
        {right ? <Check size={18} aria-hidden /> : <X size={18} aria-hidden />}
        {right ? "Right." : "Not what happens."}
      </p>
      <OptionReasons
        options={block.options}
        chosen={made.chosen}
        correct={made.correct}
        reasonOf={(option) => made.reasons[option]}
      />
    </div>
  );
}

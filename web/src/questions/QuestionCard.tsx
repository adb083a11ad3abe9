import { RotateCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { asProblem } from "../api/problem";
import { Blocks } from "../lessons/Blocks";
import { AnswerForm } from "./AnswerForm";
import { OutcomeView } from "./OutcomeView";
import type { AnswerValue, Question } from "./queries";

const EYEBROWS: Record<Question["kind"], string> = {
  numeric: "A number",
  choice: "A choice",
  ordering: "An order",
  prediction: "Predict, then it is run",
  configuration: "Settings",
  "free-text": "In your own words · not counted",
};

interface QuestionCardProps {
  question: Question;
  place: number;
  /** Send an answer; resolves with why it could not be read, or null. Rejects with an ApiProblem. */
  onAnswer: (answer: AnswerValue) => Promise<string | null>;
  onNext: () => Promise<void>;
  onTick: (ticked: number[]) => Promise<void>;
}

/** One question: what is asked, the answer, then what is right and why, and a way to another. */
export function QuestionCard({ question, place, onAnswer, onNext, onTick }: QuestionCardProps) {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const outcome = useRef<HTMLDivElement>(null);
  const opened = useRef(question.outcome !== null);
  const title = `question-${question.slug}`;

  // What came of it is where the eye and the screen reader go next.
  useEffect(() => {
    if (question.outcome && !opened.current) outcome.current?.focus();
    opened.current = question.outcome !== null;
  }, [question.outcome]);

  async function attempt(what: () => Promise<unknown>) {
    setSending(true);
    setProblem(null);
    try {
      const words = await what();
      if (typeof words === "string") setProblem(words);
    } catch (error) {
      setProblem(`This was not kept. ${asProblem(error).detail}`);
    }
    setSending(false);
  }

  return (
    <section className="question card" aria-labelledby={title}>
      <p className="question-eyebrow">
        {place} · {EYEBROWS[question.kind]}
        {question.counted && question.variants_answered > 0 && (
          <span className="num">
            {" "}
            · {question.variants_right} of {question.variants_answered} right
          </span>
        )}
      </p>
      <h2 id={title}>{question.title}</h2>
      <div className="question-prompt">
        <Blocks of={question.prompt} />
      </div>
      {question.outcome ? (
        <div ref={outcome} tabIndex={-1} className="question-outcome">
          <OutcomeView
            question={question}
            outcome={question.outcome}
            onTick={(ticked) => void attempt(() => onTick(ticked))}
          />
          <button type="button" className="btn" disabled={sending} onClick={() => void attempt(onNext)}>
            <RotateCw size={15} aria-hidden />
            {question.counted ? "Another one like it" : "Write it again"}
          </button>
        </div>
      ) : (
        <AnswerForm
          question={question}
          sending={sending}
          problem={problem}
          onProblem={setProblem}
          onAnswer={(value) => void attempt(() => onAnswer(value))}
        />
      )}
      {problem && (
        <p role="alert" id={`${title}-problem`} className="question-problem">
          {problem}
        </p>
      )}
    </section>
  );
}

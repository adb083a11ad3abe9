import { Check, X } from "lucide-react";
import type { ReactNode } from "react";
import type { PredictBlock } from "./ast";
import { Inlines } from "./Inlines";

interface OptionReasonsProps {
  options: PredictBlock["options"];
  chosen: string;
  correct: string;
  reasonOf: (option: string) => ReactNode;
  /** what the right one is called, where not "right" */
  correctTag?: string;
}

/** Every option with its reason, the chosen and the right one marked. */
export function OptionReasons({ options, chosen, correct, reasonOf, correctTag = "right" }: OptionReasonsProps) {
  return (
    <ul className="predict-reasons">
      {options.map((option) => {
        const isCorrect = option.id === correct;
        const isChosen = option.id === chosen;
        return (
          <li key={option.id} data-correct={isCorrect ? "" : undefined}>
            <p>
              <span className="predict-mark" aria-hidden="true">
                {isCorrect ? <Check size={15} /> : isChosen ? <X size={15} /> : null}
              </span>
              <span>
                <Inlines of={option.children} />
                {isChosen && <em className="predict-tag">your answer</em>}
                {isCorrect && <em className="predict-tag">{correctTag}</em>}
              </span>
            </p>
            <p className="predict-reason">{reasonOf(option.id)}</p>
          </li>
        );
      })}
    </ul>
  );
}

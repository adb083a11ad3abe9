import type { PredictBlock } from "./ast";
import { Inlines } from "./Inlines";

interface OptionRadiosProps {
  /** of the group of radio buttons */
  name: string;
  options: PredictBlock["options"];
  chosen: string | null;
  onChoose: (option: string) => void;
}

/** Options of which one can be chosen. */
export function OptionRadios({ name, options, chosen, onChoose }: OptionRadiosProps) {
  return options.map((option) => (
    <label key={option.id} className="predict-option">
      <input
        type="radio"
        name={name}
        value={option.id}
        checked={chosen === option.id}
        onChange={() => onChoose(option.id)}
      />
      <span>
        <Inlines of={option.children} />
      </span>
    </label>
  ));
}

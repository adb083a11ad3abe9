interface RangeProps {
  label: string;
  /** the value as people read it, beside the label and for screen readers */
  words: string;
  value: number;
  low: number;
  high: number;
  step?: number;
  onChange: (value: number) => void;
}

/** A slider with its label and its value above it; one with a single position rests. */
export function Range({ label, words, value, low, high, step = 1, onChange }: RangeProps) {
  return (
    <label className="clip-range">
      <span>
        {label} <span className="num">{words}</span>
      </span>
      <input
        type="range"
        className="slider"
        min={low}
        max={high}
        step={step}
        value={value}
        aria-valuetext={words}
        disabled={high <= low}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}

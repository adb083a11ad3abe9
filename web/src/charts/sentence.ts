import type { Column } from "../runs/column";

interface SentenceOptions {
  at?: number | null;
  reference?: number | null;
  format: (value: number | null | undefined) => string;
}

/** Say what a line chart shows now, for a reader who does not see it. */
export function chartSentence(
  label: string,
  column: Column | undefined,
  { at, reference, format }: SentenceOptions,
): string {
  if (!column || column.length === 0) return `${label}: nothing recorded yet.`;
  const index = at == null ? column.length - 1 : column.indexAt(at);
  if (index < 0) return `${label}: nothing recorded up to step ${words(at ?? 0)}.`;
  const values = column.values.subarray(0, index + 1);
  const first = values.findIndex((value) => !Number.isNaN(value));
  const step = words(column.steps[index]!);
  const now = Number.isNaN(values[index]!) ? "not a finite number" : format(values[index]);
  if (first < 0) return `${label}: ${now} at step ${step}; no finite value so far.`;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const target =
    reference == null
      ? ""
      : high >= reference
        ? ` It reached the line at ${format(reference)}.`
        : ` It has not reached the line at ${format(reference)}.`;
  return (
    `${label}: ${now} at step ${step}, from ${format(values[first])} at step ` +
    `${words(column.steps[first]!)}; between ${format(low)} and ${format(high)}.${target}`
  );
}

function words(step: number): string {
  return Math.round(step).toLocaleString("en-US");
}

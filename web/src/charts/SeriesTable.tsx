import type { Column } from "../runs/column";

const ROWS = 40;

interface Props {
  label: string;
  column: Column | undefined;
  format: (value: number | null | undefined) => string;
}

/** A chart's data as a table: recorded points, evenly chosen when there are many, newest last. */
export function SeriesTable({ label, column, format }: Props) {
  const length = column?.length ?? 0;
  if (!column || length === 0) return <p className="caption">Nothing recorded yet.</p>;
  const count = Math.min(ROWS, length);
  const indices = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (length - 1)) / (count - 1)),
  );
  return (
    // A scroll area must be reachable by keys.
    <div className="table-scroll" tabIndex={0} role="region" aria-label={`${label}, table`}>
      <table className="data-table">
        <caption>
          {count < length ? `${count} of ${length.toLocaleString("en-US")} points` : `${count} points`}
        </caption>
        <thead>
          <tr>
            <th scope="col">step</th>
            <th scope="col">{label}</th>
          </tr>
        </thead>
        <tbody>
          {indices.map((index) => (
            <tr key={index}>
              <td>{column.steps[index]!.toLocaleString("en-US")}</td>
              <td>{Number.isNaN(column.values[index]!) ? "not finite" : format(column.values[index])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

import { ChartLine, Table } from "lucide-react";
import { useState } from "react";

import { RoleMark } from "../ui/RoleMark";
import { LineChart, type LineChartProps } from "./LineChart";
import { SeriesTable } from "./SeriesTable";

export interface MetricCardProps extends LineChartProps {
  /** One line under the plot: what the metric is. */
  caption: string;
  unit?: string;
  /** For little room: the value stands under the plot, the unit and caption in a tooltip. */
  dense?: boolean;
  /** Singled out by the text beside it. */
  focused?: boolean;
  /** The value to show large: at the cursor, or the newest. */
  value: number | null | undefined;
  className?: string;
}

/** A metric: its name with the role's glyph, its value, its line, and its table on demand. */
export function MetricCard(props: MetricCardProps) {
  const { caption, unit, value, dense, focused, className = "", ...chart } = props;
  const [table, setTable] = useState(false);
  const { label, role, reading, read, format } = chart;
  const column = read();
  const index = reading !== null && column ? column.indexAt(reading) : -1;
  const readout =
    index >= 0 && column
      ? `${format(column.values[index])} at step ${column.steps[index]!.toLocaleString("en-US")}`
      : null;
  return (
    <section
      className={`metric card ${className}`}
      data-dense={dense ? "" : undefined}
      data-focus={focused ? "" : undefined}
      aria-label={label}
    >
      <header className="metric-head">
        <h3
          className={role === "none" ? "role" : `role role-${role}`}
          title={dense ? `${caption}${unit ? ` (${unit})` : ""}` : undefined}
        >
          {role !== "none" && <RoleMark role={role} />}
          <span>
            {label}
            {unit && !dense && <small className="metric-unit">{unit}</small>}
          </span>
        </h3>
        {!dense && <output className="metric-value num">{format(value)}</output>}
      </header>
      {table ? (
        <SeriesTable label={label} column={column} format={format} />
      ) : (
        <LineChart {...chart} />
      )}
      <footer className="metric-foot">
        {dense && !readout ? (
          <output className="metric-value num">{format(value)}</output>
        ) : (
          <span className={readout ? "num text-ink" : ""} title={caption}>
            {readout ?? caption}
          </span>
        )}
        <button
          type="button"
          className="table-toggle"
          aria-pressed={table}
          aria-label={`${label} as a table`}
          title={table ? "Show the line" : "Show the table"}
          onClick={() => setTable(!table)}
        >
          {table ? <ChartLine size={14} aria-hidden /> : <Table size={14} aria-hidden />}
        </button>
      </footer>
    </section>
  );
}

import { useCallback, useState } from "react";

import { MetricCard } from "../charts/MetricCard";
import { RatioHistogram } from "../charts/RatioHistogram";
import type { Column } from "./column";
import type { RunFeed } from "./feed";
import { useFeed, useRunView } from "./hooks";
import { MAIN_METRIC, metricFormat, metricInfo, SIDE_METRICS } from "./metrics";

const MAIN_HEIGHT = 196; // px; the return and the ratios beside it are of one height

interface Props {
  feed: RunFeed | null;
  /** The step a replay looks at; null follows the newest. */
  at?: number | null;
  /** Arrange for a column beside prose instead of a whole page. */
  narrow?: boolean;
  /** Fold everything but the main chart away. */
  folded?: boolean;
}

/** All charts of a run, reading one step together when a reader points at any of them. */
export function RunCharts({ feed, at = null, narrow = false, folded = false }: Props) {
  const [reading, setReading] = useState<number | null>(null);
  const view = useRunView(feed, at);
  const side = (
    <>
      {SIDE_METRICS.map((key) => (
        <Metric
          key={key}
          metric={key}
          feed={feed}
          at={at}
          value={view.metrics[key]}
          reading={reading}
          onRead={setReading}
          height={narrow ? 76 : 104}
          dense={narrow}
        />
      ))}
    </>
  );
  const ratios = (
    <RatioHistogram
      data={view.ratios}
      step={view.ratioStep}
      clipRange={view.clipRange}
      height={narrow ? 130 : MAIN_HEIGHT}
      className="metric-ratios"
    />
  );
  const main = (
    <Metric
      metric={MAIN_METRIC}
      feed={feed}
      at={at}
      value={view.metrics[MAIN_METRIC]}
      reading={reading}
      onRead={setReading}
      height={folded ? 104 : narrow ? 108 : MAIN_HEIGHT}
      className="metric-main"
    />
  );
  if (folded) {
    return (
      <div className="run-charts" data-narrow="">
        {main}
        <details className="run-more">
          <summary className="btn">Losses, KL, entropy and ratios</summary>
          <div className="run-charts mt-2" data-narrow="">
            {side}
            {ratios}
          </div>
        </details>
      </div>
    );
  }
  return (
    <div className="run-charts" data-narrow={narrow ? "" : undefined}>
      {!narrow && <h2 className="sr-only">Measurements</h2>}
      {main}
      {!narrow && ratios}
      {side}
      {narrow && ratios}
    </div>
  );
}

interface MetricProps {
  metric: string;
  feed: RunFeed | null;
  at: number | null;
  value: number | null | undefined;
  reading: number | null;
  onRead: (step: number | null) => void;
  height: number;
  dense?: boolean;
  className?: string;
}

function Metric({ metric, feed, at, value, reading, onRead, height, dense, className }: MetricProps) {
  const { run, step, version } = useFeed(feed);
  const read = useCallback((): Column | undefined => feed?.record.columns.get(metric), [feed, metric]);
  const info = metricInfo(run, metric);
  if (run && !info) return null;
  const format = metricFormat(metric);
  const reference = info?.reference ?? null;
  return (
    <MetricCard
      label={info?.label ?? "…"}
      caption={info?.description ?? ""}
      unit={info?.unit}
      role={info?.role ?? "none"}
      read={read}
      onData={feed?.onData}
      version={version}
      lastStep={step}
      plannedStep={run?.total_steps}
      reference={reference}
      referenceLabel={reference === null ? undefined : format(reference)}
      at={at}
      value={value}
      reading={reading}
      onRead={onRead}
      format={format}
      height={height}
      dense={dense}
      className={className}
    />
  );
}

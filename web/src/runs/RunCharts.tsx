import { useCallback, useLayoutEffect, useRef, useState } from "react";

import { MetricCard } from "../charts/MetricCard";
import { RatioHistogram } from "../charts/RatioHistogram";
import type { Column } from "./column";
import type { RunFeed } from "./feed";
import { useMediaQuery } from "../ui/useMediaQuery";
import { useFeed, useRunView } from "./hooks";
import { metricFormat, metricInfo, metricTick, SHOWN } from "./metrics";

const MAIN_HEIGHT = 196; // px; the main chart and what stands beside it are of one height

interface Props {
  feed: RunFeed | null;
  /** The step a replay looks at; null follows the newest. */
  at?: number | null;
  /** Arrange for a column beside prose instead of a whole page. */
  narrow?: boolean;
  /** Fold everything but the main chart away. */
  folded?: boolean;
  /** Metrics whose charts are singled out by an outline, and unfolded. */
  focus?: readonly string[];
}

const NONE: readonly string[] = [];

/** All charts of a run, reading one step together when a reader points at any of them. */
export function RunCharts({ feed, at = null, narrow = false, folded = false, focus = NONE }: Props) {
  const [reading, setReading] = useState<number | null>(null);
  const more = useRef<HTMLDetailsElement>(null);
  const kind = useFeed(feed).run?.kind ?? "control";
  const shown = SHOWN[kind];
  // Before the stage scrolls to them; what the reader folds afterwards stays folded.
  useLayoutEffect(() => {
    if (more.current && focus.some((key) => key !== shown.main)) more.current.open = true;
  }, [focus, shown]);
  const view = useRunView(feed, at);
  const wide = useMediaQuery("(min-width: 1001px)"); // where runs.css has three columns
  const besideMain = wide && kind !== "control";
  const side = (
    <>
      {shown.side.map((key, index) => (
        <Metric
          key={key}
          metric={key}
          feed={feed}
          at={at}
          value={view.metrics[key]}
          reading={reading}
          onRead={setReading}
          height={narrow ? 68 : index === 0 && besideMain ? MAIN_HEIGHT : 104}
          dense={narrow}
          focused={focus.includes(key)}
        />
      ))}
    </>
  );
  // Of language models no ratios are kept.
  const ratios = kind === "control" && (
    <RatioHistogram
      data={view.ratios}
      step={view.ratioStep}
      clipRange={view.clipRange}
      height={narrow ? 118 : MAIN_HEIGHT}
      className="metric-ratios"
    />
  );
  const main = (
    <Metric
      metric={shown.main}
      feed={feed}
      at={at}
      value={view.metrics[shown.main]}
      reading={reading}
      onRead={setReading}
      height={folded ? 104 : narrow ? 98 : MAIN_HEIGHT}
      className="metric-main"
      focused={focus.includes(shown.main)}
    />
  );
  if (folded) {
    return (
      <div className="run-charts" data-narrow="">
        {main}
        <details ref={more} className="run-more">
          <summary className="btn">{shown.sideWords}</summary>
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
  focused?: boolean;
  className?: string;
}

function Metric({ metric, feed, at, value, reading, onRead, ...look }: MetricProps) {
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
      tick={metricTick(metric)}
      {...look}
    />
  );
}

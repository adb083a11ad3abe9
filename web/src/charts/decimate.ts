/** Points of a path in pixels: pairs x, y; NaN in y is a break. */
export interface PixelPoints {
  x: Float64Array;
  y: Float64Array;
  length: number;
}

/**
 * Reduce a rising series to at most four points a pixel column: the first, the lowest, the highest
 * and the last in it, in their order, so that no spike is lost and the line drawn is the line of
 * all points. Breaks (NaN) are kept. One pass, no allocation but the result.
 *
 * `from` and `to` (exclusive) choose the points; `toX` and `toY` map them to pixels.
 */
export function decimate(
  steps: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  toX: (step: number) => number,
  toY: (value: number) => number,
): PixelPoints {
  const capacity = Math.max(0, to - from);
  const x = new Float64Array(capacity);
  const y = new Float64Array(capacity);
  let length = 0;
  const add = (index: number) => {
    x[length] = toX(steps[index]!);
    y[length] = toY(values[index]!);
    length += 1;
  };

  let start = from;
  while (start < to) {
    const pixel = Math.floor(toX(steps[start]!));
    let end = start + 1;
    while (end < to && Math.floor(toX(steps[end]!)) === pixel) end += 1;
    if (end - start <= 4) {
      for (let i = start; i < end; i++) add(i);
    } else {
      addExtremes(values, start, end, add);
    }
    start = end;
  }
  return { x, y, length };
}

/** Add the first, lowest, highest and last point of one pixel column, and one break if any. */
function addExtremes(
  values: Float64Array,
  start: number,
  end: number,
  add: (index: number) => void,
): void {
  let low = -1;
  let high = -1;
  let gap = -1;
  for (let i = start; i < end; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) gap = i;
    else {
      if (low < 0 || value < values[low]!) low = i;
      if (high < 0 || value > values[high]!) high = i;
    }
  }
  const chosen = [start, low, high, gap, end - 1].filter((index) => index >= 0);
  chosen.sort((a, b) => a - b);
  chosen.forEach((index, i) => {
    if (index !== chosen[i - 1]) add(index);
  });
}

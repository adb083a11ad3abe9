/**
 * One metric over steps, as two typed arrays that grow by doubling. It lives outside React: the
 * store appends, charts read. A value that was not finite is kept as NaN and drawn as a break.
 */
export class Column {
  steps: Float64Array = new Float64Array(256);
  values: Float64Array = new Float64Array(256);
  length = 0;
  /** Extremes of the finite values; min > max while there is none. */
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  /** Append a point. Steps never fall, except after `dropAfter`. */
  push(step: number, value: number | null | undefined): void {
    if (this.length === this.steps.length) this.#grow();
    const kept = value ?? Number.NaN;
    this.steps[this.length] = step;
    this.values[this.length] = kept;
    this.length += 1;
    if (kept < this.min) this.min = kept;
    if (kept > this.max) this.max = kept;
  }

  /** Forget the points later than `step`. */
  dropAfter(step: number): void {
    const kept = this.indexAt(step) + 1;
    if (kept === this.length) return;
    this.length = kept;
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < kept; i++) {
      const value = this.values[i]!;
      if (value < this.min) this.min = value;
      if (value > this.max) this.max = value;
    }
  }

  /** Index of the last point at or before `step`; -1 when there is none. */
  indexAt(step: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.steps[middle]! <= step) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The value at or before `step`: null where it was not finite, undefined before the first. */
  valueAt(step: number): number | null | undefined {
    const index = this.indexAt(step);
    if (index < 0) return undefined;
    const value = this.values[index]!;
    return Number.isNaN(value) ? null : value;
  }

  /** The step of the newest point; null when empty. */
  get lastStep(): number | null {
    return this.length === 0 ? null : this.steps[this.length - 1]!;
  }

  #grow(): void {
    const steps = new Float64Array(this.steps.length * 2);
    const values = new Float64Array(this.values.length * 2);
    steps.set(this.steps);
    values.set(this.values);
    this.steps = steps;
    this.values = values;
  }
}

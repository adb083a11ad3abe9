import { useId, useState } from "react";

import type { Wire } from "../api/client";

interface Props {
  setting: Wire["LiveSetting"];
  /** The value in force. */
  value: number;
  /** The change that led to it, as the run's log tells it. */
  change?: { from: number; step: number } | null;
  disabled?: boolean;
  /** Asked on release, not while dragging; false leaves the old value in force. */
  onApply: (value: number) => Promise<boolean> | boolean;
}

/**
 * A setting that may change while the run goes. It follows the pointer or the arrow keys, and
 * applies when they are let go; until then it shows old → new.
 */
export function SettingSlider({ setting, value, change, disabled = false, onApply }: Props) {
  const id = useId();
  const [draft, setDraft] = useState<number | null>(null);
  const shown = draft ?? value;
  const changed = draft !== null && draft !== value;

  const apply = async () => {
    if (draft === null) return;
    if (draft !== value) await onApply(draft);
    setDraft(null);
  };

  return (
    <div className="setting">
      <label htmlFor={id}>{setting.label}</label>
      <input
        id={id}
        type="range"
        className="slider"
        min={setting.minimum}
        max={setting.maximum}
        step={setting.step}
        value={shown}
        disabled={disabled}
        aria-describedby={`${id}-about`}
        onChange={(event) => setDraft(Number(event.target.value))}
        onPointerUp={() => void apply()}
        onKeyUp={() => void apply()}
        onBlur={() => void apply()}
      />
      <output className="num" htmlFor={id}>
        {changed ? `${places(value, setting.step)} → ${places(shown, setting.step)}` : places(shown, setting.step)}
      </output>
      <p id={`${id}-about`} className="caption">
        {change
          ? `${places(change.from, setting.step)} → ${places(value, setting.step)} at step ${change.step.toLocaleString("en-US")}`
          : setting.description}
      </p>
    </div>
  );
}

/** A value with as many places as one step of the slider needs. */
function places(value: number, step: number): string {
  return value.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}

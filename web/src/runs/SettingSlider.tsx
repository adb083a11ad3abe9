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
        min={place(setting, setting.minimum)}
        max={place(setting, setting.maximum)}
        step={setting.step}
        value={place(setting, shown)}
        disabled={disabled}
        aria-describedby={`${id}-about`}
        aria-valuetext={written(setting, shown)}
        onChange={(event) => setDraft(valueAt(setting, Number(event.target.value)))}
        onPointerUp={() => void apply()}
        onKeyUp={() => void apply()}
        onBlur={() => void apply()}
      />
      <output className="num" htmlFor={id}>
        {changed ? `${written(setting, value)} → ${written(setting, shown)}` : written(setting, shown)}
      </output>
      <p id={`${id}-about`} className="caption">
        {change
          ? `${written(setting, change.from)} → ${written(setting, value)} at step ${change.step.toLocaleString("en-US")}`
          : setting.description}
      </p>
    </div>
  );
}

type Setting = Wire["LiveSetting"];

/** Where on the slider a value lies: by itself, or by its power of ten. */
function place(setting: Setting, value: number): number {
  return setting.logarithmic ? Math.log10(value) : value;
}

/** The value at a place of the slider; of powers of ten, two digits. */
function valueAt(setting: Setting, at: number): number {
  return setting.logarithmic ? Number((10 ** at).toPrecision(2)) : at;
}

/** A value with as many digits as one step of the slider needs. */
function written(setting: Setting, value: number): string {
  if (setting.logarithmic) return String(Number(value.toPrecision(2)));
  return value.toFixed(Math.max(0, Math.ceil(-Math.log10(setting.step) - 1e-9)));
}

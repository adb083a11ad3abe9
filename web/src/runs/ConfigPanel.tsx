import type { Wire } from "../api/client";

/** What a run was started with, and by which versions it was made. */
export function ConfigPanel({ run }: { run: Wire["RunDetail"] }) {
  return (
    <section className="card config-panel" aria-label="Configuration">
      <div>
        <h2>Configuration</h2>
        {grouped(run.config).map(([group, values]) => (
          <div key={group}>
            {group && <h3 className="label">{group.replaceAll("_", " ")}</h3>}
            <Values values={values} />
          </div>
        ))}
      </div>
      <div>
        <h2>Made with</h2>
        <Values values={run.versions} />
        <p className="caption mt-2">
          The same configuration and seed on the same machine give the same numbers.
        </p>
      </div>
    </section>
  );
}

/** Settings by group, as stages of language models have them; those without one come first. */
function grouped(config: Record<string, unknown>): [string, Record<string, unknown>][] {
  const groups = new Map<string, Record<string, unknown>>([["", {}]]);
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      groups.set(name, value as Record<string, unknown>);
    } else groups.get("")![name] = value;
  }
  return [...groups];
}

function Values({ values }: { values: Record<string, unknown> }) {
  return (
    <dl className="config-values">
      {Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd className="num">{written(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function written(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

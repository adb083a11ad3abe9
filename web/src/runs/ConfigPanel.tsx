import type { Wire } from "../api/client";

/** What a run was started with, and by which versions it was made. */
export function ConfigPanel({ run }: { run: Wire["RunDetail"] }) {
  return (
    <section className="card config-panel" aria-label="Configuration">
      <div>
        <h2>Configuration</h2>
        <Values values={run.config} />
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

import type { Wire } from "../api/client";

/** The cases that the learner can see: each a call and what is to come of it. */
export function Examples({ of }: { of: Wire["Challenge"]["examples"] }) {
  if (of.length === 0) return null;
  return (
    <section className="examples" aria-labelledby="examples-title">
      <h2 id="examples-title">Examples</h2>
      <dl>
        {of.map((example) => (
          <div key={example.name}>
            <dt>{example.name}</dt>
            <dd>
              <pre tabIndex={0} aria-label={`Example: ${example.name}`}>
                <code>
                  {example.call}
                  {"\n→ "}
                  {example.expected}
                </code>
              </pre>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

import type { Wire } from "../api/client";
import { Blocks } from "../lessons/Blocks";
import { CodeView } from "../lessons/CodeView";

/** For those who have passed: why it is so, other right solutions, the engine's own version. */
export function AfterPassing({ after }: { after: NonNullable<Wire["Challenge"]["after"]> }) {
  return (
    <section className="after-passing" aria-labelledby="after-title">
      <h2 id="after-title">Now that you have solved it</h2>
      <Blocks of={after.explanation} />
      <h3>Other right solutions</h3>
      {after.solutions.map((solution) => (
        <details key={solution.name}>
          <summary>{solution.name}</summary>
          <CodeView language="python" text={solution.source} />
        </details>
      ))}
      <h3>What the engine runs</h3>
      {after.engine.map((part) => (
        <details key={part.symbol}>
          <summary>
            <code>{part.symbol.split(".").at(-1)}</code>
          </summary>
          <CodeView language="python" text={part.source} source={part.place} />
        </details>
      ))}
    </section>
  );
}

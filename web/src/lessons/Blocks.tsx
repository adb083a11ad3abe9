import { Link } from "@tanstack/react-router";
import { ArrowRight, CodeXml } from "lucide-react";
import { createElement } from "react";
import { Tex } from "../ui/math/Tex";
import { type Block, type DirectiveBlock, type Inline, plainText } from "./ast";
import { CodeView } from "./CodeView";
import { Inlines } from "./Inlines";
import { useLesson } from "./LessonContext";
import { Predict } from "./Predict";
import { StageStop } from "./StageStop";

/** The text of a lesson, a challenge's prompt or a hint. */
export function Blocks({ of }: { of: readonly Block[] }) {
  // The text is fixed once fetched, so a position is a sound key.
  return of.map((block, i) => <BlockView key={i} block={block} />);
}

function BlockView({ block }: { block: Block }) {
  switch (block.type) {
    case "heading":
      // Level 1 is the page's title, which the page itself sets.
      return createElement(
        `h${Math.min(Math.max(block.level, 2), 6)}`,
        { id: block.id },
        <Inlines of={block.children} />,
      );
    case "paragraph":
      return (
        <p>
          <Inlines of={block.children} />
        </p>
      );
    case "list":
      return createElement(
        block.ordered ? "ol" : "ul",
        null,
        block.items.map((item, i) => (
          <li key={i}>
            <Blocks of={item} />
          </li>
        )),
      );
    case "code":
      return <CodeView language={block.language} text={block.text} source={block.source} />;
    case "math":
      return (
        <div className="formula">
          <Tex tex={block.tex} display />
        </div>
      );
    case "quote":
      return (
        <blockquote>
          <Blocks of={block.children} />
        </blockquote>
      );
    case "table":
      return <TableView block={block} />;
    case "predict":
      return <Predict block={block} />;
    case "directive":
      return <DirectiveView block={block} />;
  }
}

function TableView({ block }: { block: Extract<Block, { type: "table" }> }) {
  const name = block.header.map(plainText).filter(Boolean).join(", ");
  return (
    <div className="prose-table" tabIndex={0} role="region" aria-label={`Table: ${name}`}>
      <table>
        <thead>
          <tr>
            {block.header.map((cell, i) =>
              cell.length === 0 ? (
                <td key={i} />
              ) : (
                <th key={i} scope="col">
                  <HeaderCell cell={cell} />
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, r) => (
            <tr key={r}>
              {row.map((cell, c) => (
                <td key={c}>
                  <Inlines of={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A header that is a formula and nothing else gets words too, since not all readers take MathML. */
function HeaderCell({ cell }: { cell: readonly Inline[] }) {
  const isFormula = cell.length > 0 && cell.every((inline) => inline.type === "math");
  if (!isFormula) return <Inlines of={cell} />;
  return (
    <>
      <span className="sr-only">{plainText(cell).replace(/[\\{}]/g, " ").trim()}</span>
      <span aria-hidden="true">
        <Inlines of={cell} />
      </span>
    </>
  );
}

function DirectiveView({ block }: { block: DirectiveBlock }) {
  switch (block.name) {
    case "note":
      return (
        <aside className="note" aria-label={block.attributes.title ?? "Note"}>
          {block.attributes.title && <p className="note-title">{block.attributes.title}</p>}
          <Blocks of={block.children} />
        </aside>
      );
    case "challenge":
      return <ChallengeCard slug={block.attributes.slug ?? ""} />;
    case "step":
    case "run":
    case "interactive":
      return <StageStop block={block} />;
  }
}

function ChallengeCard({ slug }: { slug: string }) {
  const challenge = useLesson()?.challengeOf(slug);
  return (
    <p className="challenge-card">
      <Link to="/challenge/$slug" params={{ slug }}>
        <CodeXml size={20} aria-hidden />
        <span>
          <strong>{challenge ? challenge.title : "Open the challenge"}</strong>
          <small>
            Challenge{challenge && `, about ${challenge.minutes} minutes`}
            {challenge?.done && ", solved"}
          </small>
        </span>
        <ArrowRight size={18} aria-hidden />
      </Link>
    </p>
  );
}

import { Link } from "@tanstack/react-router";
import { Tex } from "../ui/math/Tex";
import { RoleMark } from "../ui/RoleMark";
import type { Inline } from "./ast";

/** Text within a paragraph. Role terms always carry their glyph: colour never stands alone. */
export function Inlines({ of }: { of: readonly Inline[] }) {
  // The text is fixed once fetched, so a position is a sound key.
  return of.map((inline, i) => <InlineView key={i} inline={inline} />);
}

function InlineView({ inline }: { inline: Inline }) {
  switch (inline.type) {
    case "text":
      return inline.text;
    case "code":
      return <code>{inline.text}</code>;
    case "math":
      return <Tex tex={inline.tex} />;
    case "break":
      return <br />;
    case "emphasis":
      return (
        <em>
          <Inlines of={inline.children} />
        </em>
      );
    case "strong":
      return (
        <strong>
          <Inlines of={inline.children} />
        </strong>
      );
    case "keyword":
      return (
        <dfn>
          <Inlines of={inline.children} />
        </dfn>
      );
    case "link":
      return <LinkView inline={inline} />;
    case "actor":
    case "critic":
    case "reward":
    case "reference":
      return (
        <span className={`role-term role-${inline.type}`}>
          <RoleMark role={inline.type} size={11} />
          &#8288;
          <Inlines of={inline.children} />
        </span>
      );
  }
}

function LinkView({ inline }: { inline: Extract<Inline, { type: "link" }> }) {
  if (inline.external) {
    return (
      <a href={inline.href} target="_blank" rel="noreferrer">
        <Inlines of={inline.children} />
        <span className="sr-only"> (opens another site)</span>
      </a>
    );
  }
  if (inline.href.startsWith("#")) {
    return (
      <a href={inline.href}>
        <Inlines of={inline.children} />
      </a>
    );
  }
  return (
    <Link to={inline.href}>
      <Inlines of={inline.children} />
    </Link>
  );
}

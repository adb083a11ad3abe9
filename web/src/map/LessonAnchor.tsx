import { Link } from "@tanstack/react-router";

import type { Chapter, LessonLink } from "./progress";

interface Props {
  chapter: Chapter;
  link: LessonLink;
  className?: string;
  children: React.ReactNode;
}

/** A link to a lesson or challenge of a chapter. */
export function LessonAnchor({ chapter, link, className, children }: Props) {
  return link.kind === "challenge" ? (
    <Link to="/challenge/$slug" params={{ slug: link.slug }} className={className}>
      {children}
    </Link>
  ) : (
    <Link
      to="/learn/$chapter/$slug"
      params={{ chapter: chapter.slug, slug: link.slug }}
      className={className}
    >
      {children}
    </Link>
  );
}

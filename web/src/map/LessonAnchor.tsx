import { Link } from "@tanstack/react-router";

import { itemAddress } from "./address";
import type { Chapter, LessonLink } from "./progress";

interface Props {
  chapter: Chapter;
  link: LessonLink;
  className?: string;
  children: React.ReactNode;
}

/** A link to something of a chapter. */
export function LessonAnchor({ chapter, link, className, children }: Props) {
  return (
    <Link to={itemAddress(link.kind, chapter.slug, link.slug)} className={className}>
      {children}
    </Link>
  );
}

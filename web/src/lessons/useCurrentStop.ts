import { type RefObject, useEffect, useRef, useState } from "react";

// Where the reader's eye is: a little above the middle of what is visible of the prose.
const READING_LINE = 0.42;
const FAR_UP = 1_000_000;

/**
 * The index of the stop that has last passed the reading line, −1 before the first; `onArrive` is
 * told each time it changes. An observer of that line, rather than of every scroll, keeps long
 * lessons smooth.
 */
export function useCurrentStop(
  ids: readonly string[],
  stage: RefObject<HTMLElement | null>,
  onArrive: (index: number) => void,
): number {
  const [current, setCurrent] = useState(-1);
  const arrive = useRef(onArrive);
  useEffect(() => {
    arrive.current = onArrive;
  });
  const key = ids.join(" ");
  useEffect(() => {
    const elements = key.split(" ").flatMap((id): Element[] => {
      const element = document.getElementById(id);
      return element ? [element] : [];
    });
    if (elements.length === 0 || typeof IntersectionObserver === "undefined") return;
    const passed = elements.map(() => false);
    let last = -1;
    const take = (entries: IntersectionObserverEntry[]) => {
      for (const entry of entries) passed[elements.indexOf(entry.target)] = entry.isIntersecting;
      const index = passed.lastIndexOf(true);
      if (index === last) return;
      last = index;
      setCurrent(index);
      arrive.current(index);
    };
    let observer: IntersectionObserver | null = null;
    const observe = () => {
      observer?.disconnect();
      // Everything above the line, however far up, counts as seen: so a jump to the end of the page
      // tells of the stops that it passed over, too.
      const below = Math.max(0, window.innerHeight - Math.round(readingLine(stage.current)));
      observer = new IntersectionObserver(take, { rootMargin: `${FAR_UP}px 0px -${below}px 0px` });
      for (const element of elements) observer.observe(element);
    };
    observe();
    // The line moves with the window and with a stage above the prose that grows or folds.
    const resize = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(observe);
    if (stage.current) resize?.observe(stage.current);
    resize?.observe(document.documentElement);
    return () => {
      observer?.disconnect();
      resize?.disconnect();
    };
  }, [key, stage]);
  return current;
}

/** The reading line in CSS pixels from the top of the window. */
export function readingLine(stage: HTMLElement | null): number {
  // On a narrow window the stage lies above the prose, and reading begins under it.
  const covered = stage && isAboveProse(stage) ? stage.getBoundingClientRect().bottom : 0;
  const top = Math.max(0, Math.min(covered, window.innerHeight * 0.6));
  return top + (window.innerHeight - top) * READING_LINE;
}

function isAboveProse(stage: HTMLElement): boolean {
  return stage.getBoundingClientRect().width > window.innerWidth * 0.8;
}

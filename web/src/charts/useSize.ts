import { type RefObject, useEffect, useRef, useState } from "react";

/** Width and height of an element in pixels, renewed when it changes; 0 until it is laid out. */
export function useSize<E extends Element>(): [RefObject<E | null>, number, number] {
  const ref = useRef<E>(null);
  const [size, setSize] = useState<[number, number]>([0, 0]);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver((entries) => {
      const box = entries[0]?.contentRect;
      if (box) setSize([Math.round(box.width), Math.round(box.height)]);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, ...size];
}

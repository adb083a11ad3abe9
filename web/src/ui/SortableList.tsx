import { ArrowDown, ArrowUp, GripVertical } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import "./sortable.css";

export interface SortableItem {
  id: string;
  /** what a screen reader calls it */
  name: string;
  content: ReactNode;
}

interface SortableListProps {
  label: string;
  items: SortableItem[];
  disabled?: boolean;
  onOrder: (ids: string[]) => void;
  /** further buttons of an item, such as one that takes it out */
  actions?: (item: SortableItem) => ReactNode;
}

/** Take an element to another place; what lies between moves up or down by one. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.toSpliced(from, 1);
  return rest.toSpliced(Math.min(Math.max(to, 0), rest.length), 0, ...list.slice(from, from + 1));
}

/**
 * A list to bring into an order: by dragging a grip, by its arrow keys, or by buttons. Every way
 * moves one item past its neighbours and says so.
 */
export function SortableList({ label, items, disabled, onOrder, actions }: SortableListProps) {
  const list = useRef<HTMLOListElement>(null);
  const [dragged, setDragged] = useState<string | null>(null);
  const [said, setSaid] = useState("");

  function move(id: string, to: number) {
    const ids = items.map((item) => item.id);
    const from = ids.indexOf(id);
    if (disabled || to < 0 || to >= ids.length || to === from) return;
    onOrder(moved(ids, from, to));
    setSaid(`${items[from]?.name ?? ""}: now ${to + 1} of ${ids.length}`);
  }

  function onKey(event: KeyboardEvent, id: string, index: number) {
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(id, to);
  }

  function dragTo(y: number) {
    if (dragged === null || !list.current) return;
    const rows = [...list.current.children].map((row) => row.getBoundingClientRect());
    // Past the middle of a neighbour, the two change places.
    let to = items.findIndex((item) => item.id === dragged);
    while (to > 0 && y < middle(rows[to - 1])) to -= 1;
    while (to < rows.length - 1 && y > middle(rows[to + 1])) to += 1;
    move(dragged, to);
  }
  const newest = useRef(dragTo);
  useEffect(() => {
    newest.current = dragTo;
  });
  // Heard by the window: a pointer captured by the grip is let go when its row changes its place.
  const dragging = dragged !== null;
  useEffect(() => {
    if (!dragging) return;
    const onMove = (event: PointerEvent) => newest.current(event.clientY);
    const onEnd = () => setDragged(null);
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onEnd);
    window.addEventListener("pointercancel", onEnd);
    return () => {
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onEnd);
      window.removeEventListener("pointercancel", onEnd);
    };
  }, [dragging]);

  return (
    <>
      <ol ref={list} className="sortable" aria-label={label}>
        {items.map((item, index) => (
          <li key={item.id} data-dragged={dragged === item.id ? "" : undefined}>
            <button
              type="button"
              className="sortable-grip"
              disabled={disabled}
              aria-label={`${item.name}, ${index + 1} of ${items.length}. Arrow keys move it.`}
              onKeyDown={(event) => onKey(event, item.id, index)}
              onPointerDown={(event) => {
                event.currentTarget.releasePointerCapture?.(event.pointerId); // a finger's is implicit
                setDragged(item.id);
              }}
            >
              <GripVertical size={16} aria-hidden />
            </button>
            <div className="sortable-content">{item.content}</div>
            <span className="sortable-buttons">
              <button
                type="button"
                className="btn btn-icon btn-quiet"
                aria-label={`Move up: ${item.name}`}
                disabled={disabled || index === 0}
                onClick={() => move(item.id, index - 1)}
              >
                <ArrowUp size={15} aria-hidden />
              </button>
              <button
                type="button"
                className="btn btn-icon btn-quiet"
                aria-label={`Move down: ${item.name}`}
                disabled={disabled || index === items.length - 1}
                onClick={() => move(item.id, index + 1)}
              >
                <ArrowDown size={15} aria-hidden />
              </button>
              {actions?.(item)}
            </span>
          </li>
        ))}
      </ol>
      <p role="status" className="sr-only">
        {said}
      </p>
    </>
  );
}

function middle(row: DOMRect | undefined): number {
  return row ? row.top + row.height / 2 : 0;
}

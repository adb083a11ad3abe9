import { useId, useState } from "react";

import type { Action } from "../actions/registry";
import { searchActions } from "../actions/search";
import { useActionList } from "../actions/useActions";
import { Dialog } from "../ui/Dialog";
import { Keys } from "../ui/Kbd";

/** Find anything by its name: lessons, runs and every action of the page. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const all = useActionList().filter(
    (action) => action.id !== "palette" && (action.when?.() ?? true),
  );
  const [query, setQuery] = useState("");
  const [position, setPosition] = useState(0);
  const list = useId();
  const found = searchActions(all, query);
  const current = Math.min(position, found.length - 1);

  const choose = (action: Action | undefined) => {
    if (!action) return;
    onClose();
    // After the dialog has given the focus back, or it would take it from what the action opens.
    setTimeout(action.perform, 0);
  };
  const move = (by: number) => {
    const next = (current + by + found.length) % found.length;
    setPosition(next);
    document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown" && found.length > 0) move(1);
    else if (event.key === "ArrowUp" && found.length > 0) move(-1);
    else if (event.key === "Enter") choose(found[current]);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog label="Search" onClose={onClose} className="palette">
      <input
        // A search dialog is opened to type into it.
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        type="text"
        role="combobox"
        aria-label="Search lessons, runs and commands"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found.length > 0 ? `${list}-${current}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="Search lessons, runs and commands"
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setPosition(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={list} role="listbox" aria-label="Results" className="palette-list">
        {found.map((action, index) => (
          // The text field above carries the keyboard for the whole list.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={action.id}
            id={`${list}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            onClick={() => choose(action)}
            onPointerMove={() => setPosition(index)}
          >
            <span className="min-w-0 flex-1 truncate">{action.title}</span>
            <span className="label">{action.group}</span>
            {action.keys && <Keys keys={action.keys} />}
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <p role="status" className="caption px-5 py-4">
          Nothing here is called “{query}”.
        </p>
      )}
    </Dialog>
  );
}

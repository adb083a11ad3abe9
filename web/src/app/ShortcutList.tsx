import { X } from "lucide-react";

import type { Action } from "../actions/registry";
import { useActionList } from "../actions/useActions";
import { Dialog } from "../ui/Dialog";
import { Keys } from "../ui/Kbd";

/** Every shortcut that works on this page, by group. */
export function ShortcutList({ onClose }: { onClose: () => void }) {
  const withKeys = useActionList().filter((action) => action.keys);
  const groups = Map.groupBy(withKeys, (action) => action.group);
  return (
    <Dialog label="Keyboard shortcuts" onClose={onClose} className="w-[min(30rem,92vw)] p-5">
      <div className="mb-3 flex items-center justify-between">
        <h2 className="text-[17px] font-semibold">Keyboard shortcuts</h2>
        <button type="button" className="btn btn-icon btn-quiet" aria-label="Close" onClick={onClose}>
          <X size={16} aria-hidden />
        </button>
      </div>
      {[...groups].map(([group, list]) => (
        <Group key={group} name={group} list={list} />
      ))}
      <p className="caption mt-4">These keys rest while you type in a field.</p>
    </Dialog>
  );
}

function Group({ name, list }: { name: string; list: Action[] }) {
  return (
    <section className="mt-3">
      <h3 className="label mb-1">{name}</h3>
      <dl className="divide-y divide-hairline">
        {list.map((action) => (
          <div key={action.id} className="flex items-center justify-between gap-4 py-[6px]">
            <dt className="text-[14px]">{action.title}</dt>
            <dd>
              <Keys keys={action.keys ?? ""} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

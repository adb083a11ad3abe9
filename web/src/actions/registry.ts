/**
 * The one list of everything a person can do here. The command palette, the list of shortcuts and
 * the keyboard all read it, so that a thing that can be done is found in each of them.
 */
export interface Action {
  /** Unique, e.g. "run.pause". Registering an id again replaces the older action. */
  id: string;
  title: string;
  group: "Go to" | "Run" | "Lesson" | "Figure" | "Challenge" | "View";
  /** e.g. "mod+k", "[", "shift+.", "?" ; `mod` is Cmd on a Mac and Ctrl elsewhere. */
  keys?: string;
  /** More words by which the palette finds it. */
  keywords?: string;
  /** Answers false when it cannot be done now; it is then listed nowhere. */
  when?: () => boolean;
  perform: () => void;
}

/** What of a keyboard event decides which keys were pressed. */
export type KeyPress = Pick<
  KeyboardEvent,
  "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey"
>;

/** With Shift these keys give another character on every layout, so they go by their place. */
const BY_PLACE: Record<string, string> = {
  Comma: ",",
  Period: ".",
  BracketLeft: "[",
  BracketRight: "]",
};

/** The combination that a key press stands for, in the notation of `Action.keys`. */
export function combination(press: KeyPress): string {
  const mod = press.ctrlKey || press.metaKey ? "mod+" : "";
  let key = press.key.toLowerCase();
  if (key === " ") key = "space";
  const plain = BY_PLACE[press.code];
  if (press.shiftKey && plain) return `${mod}shift+${plain}`;
  // A character that itself needs Shift, such as "?", is named by itself.
  const shift = press.shiftKey && (key.length > 1 || /[a-z0-9]/.test(key)) ? "shift+" : "";
  return `${mod}${shift}${key}`;
}

/** Whether keys pressed here belong to the element, as they do where a person types. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest(".cm-editor")) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export class ActionRegistry {
  #actions = new Map<string, Action>();
  #listeners = new Set<() => void>();
  #snapshot: Action[] = [];

  /** Add actions; the answer takes them out again. */
  register(actions: Action[]): () => void {
    for (const action of actions) this.#actions.set(action.id, action);
    this.#changed();
    return () => {
      for (const action of actions) {
        if (this.#actions.get(action.id) === action) this.#actions.delete(action.id);
      }
      this.#changed();
    };
  }

  /** All actions, in the order of registration; the same array until something changes. */
  list = (): Action[] => this.#snapshot;

  /** The actions that can be done now. */
  available(): Action[] {
    return this.#snapshot.filter((action) => action.when?.() ?? true);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Perform the action a key press stands for; false when there is none. The newest wins. */
  handle(press: KeyPress): boolean {
    if (press.altKey) return false;
    const keys = combination(press);
    const action = this.available().findLast((candidate) => candidate.keys === keys);
    action?.perform();
    return action !== undefined;
  }

  #changed(): void {
    this.#snapshot = [...this.#actions.values()];
    for (const listener of this.#listeners) listener();
  }
}

/** The page's registry. */
export const actions = new ActionRegistry();

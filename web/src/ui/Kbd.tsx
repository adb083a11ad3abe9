const SYMBOLS: Record<string, string> = {
  shift: "⇧",
  enter: "↵",
  escape: "Esc",
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
  space: "Space",
};

const onApple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The caps of a key combination such as "mod+k" or "shift+.". */
export function keyCaps(keys: string): string[] {
  return keys.split("+").map((key) => {
    if (key === "mod") return onApple ? "⌘" : "Ctrl";
    return SYMBOLS[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  });
}

/** A key combination drawn as key caps. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-1 whitespace-nowrap">
      {keyCaps(keys).map((cap) => (
        <kbd key={cap} className="kbd">
          {cap}
        </kbd>
      ))}
    </span>
  );
}

import { useEffect, useRef } from "react";

interface Props {
  /** What the dialog is, for assistive technology. */
  label: string;
  onClose: () => void;
  className?: string;
  children: React.ReactNode;
}

/**
 * A modal dialog on the platform's own element: it traps focus, closes on Escape and on a press
 * outside, and gives the focus back to where it was.
 */
export function Dialog({ label, onClose, className = "", children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal?.();
    return () => {
      dialog?.close?.();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  return (
    // The press outside is a convenience beside Escape, which the element handles by itself.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events
    <dialog
      ref={ref}
      aria-label={label}
      className={`dialog ${className}`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

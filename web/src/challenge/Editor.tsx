import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { editorTheme } from "./editorTheme";

export interface EditorHandle {
  text: () => string;
  /** Put other text in; undo brings the old text back. */
  replace: (text: string) => void;
  focus: () => void;
}

interface EditorProps {
  ref: Ref<EditorHandle>;
  /** the text to open with; later changes of it are not followed */
  initial: string;
  label: string;
  /** id of the words that say how to leave the editor by keyboard */
  describedBy: string;
  onChange: (text: string) => void;
  onSubmit: () => void;
}

/** A Python editor. Tab indents; Escape, then Tab, leaves it. Ctrl- or Cmd-Enter submits. */
export function Editor({ ref, initial, label, describedBy, onChange, onSubmit }: EditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const newest = useRef({ initial, onChange, onSubmit });
  useEffect(() => {
    newest.current = { ...newest.current, onChange, onSubmit };
  });

  useEffect(() => {
    if (!parent.current) return;
    const submit = {
      key: "Mod-Enter",
      run: () => {
        newest.current.onSubmit();
        return true;
      },
    };
    const editor = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: newest.current.initial,
        extensions: [
          Prec.highest(keymap.of([submit])),
          lineNumbers(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          drawSelection(),
          history(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          indentUnit.of("    "),
          EditorState.tabSize.of(4),
          python(),
          editorTheme,
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.contentAttributes.of({
            "aria-label": label,
            "aria-describedby": describedBy,
            // Focusable by itself already; said so for checkers that do not count contenteditable.
            tabindex: "0",
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) newest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [label, describedBy]);

  useImperativeHandle(
    ref,
    () => ({
      text: () => view.current?.state.doc.toString() ?? newest.current.initial,
      replace: (text) => {
        const editor = view.current;
        if (!editor) return;
        editor.dispatch({
          changes: { from: 0, to: editor.state.doc.length, insert: text },
          userEvent: "input.replace",
        });
        editor.focus();
      },
      focus: () => view.current?.focus(),
    }),
    [],
  );
  return <div ref={parent} className="editor" />;
}

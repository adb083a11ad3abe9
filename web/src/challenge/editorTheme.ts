import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** The editor in the page's tokens: it changes with the theme by itself, for the tokens do. */
const frame = EditorView.theme({
  "&": {
    fontSize: "13.5px",
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", fontVariantLigatures: "none" },
  ".cm-content": { padding: "12px 0", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": {
    backgroundColor: "var(--panel)",
    color: "var(--muted)",
    border: "none",
    padding: "0 6px",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--sunk) 70%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--reference-wash)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--reference-wash)",
    outline: "1px solid var(--edge-strong)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--panel)",
    border: "1px solid var(--edge)",
    borderRadius: "8px",
  },
});

// Hue is kept for meaning, so code is told apart by weight, slant and tone, as in the listings.
const highlight = HighlightStyle.define([
  { tag: tags.keyword, fontWeight: "700" },
  { tag: [tags.bool, tags.null], fontWeight: "700" },
  { tag: [tags.comment, tags.docString], color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--muted)" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], fontWeight: "700" },
  { tag: tags.invalid, textDecoration: "underline wavy" },
]);

export const editorTheme: Extension = [frame, syntaxHighlighting(highlight)];

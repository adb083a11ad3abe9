/**
 * A small tokenizer for Python listings in prose, so that a lesson does not have to fetch the editor
 * only to colour ten lines. It knows comments, strings, numbers, keywords and definitions; anything
 * else is plain.
 */

export type TokenKind = "plain" | "comment" | "string" | "number" | "keyword" | "definition";

export interface Token {
  kind: TokenKind;
  text: string;
}

const KEYWORDS =
  "False None True and as assert async await break class continue def del elif else except finally " +
  "for from global if import in is lambda nonlocal not or pass raise return try while with yield";

const PATTERN = new RegExp(
  [
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<string>[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))`,
    String.raw`(?<definition>(?<=\b(?:def|class)\s+)[A-Za-z_]\w*)`,
    String.raw`(?<keyword>\b(?:${KEYWORDS.replaceAll(" ", "|")})\b)`,
    String.raw`(?<number>\b(?:0[xX][\da-fA-F_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?)\b)`,
    // Names are taken whole, so that a keyword or a prefix inside one is left alone.
    String.raw`(?<name>[A-Za-z_]\w*)`,
  ].join("|"),
  "g",
);

/** Cut a listing into tokens; joined again they are the text, unchanged. */
export function pythonTokens(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const add = (kind: TokenKind, text: string) => {
    const last = tokens.at(-1);
    if (last && last.kind === kind) last.text += text;
    else if (text) tokens.push({ kind, text });
  };
  for (const match of source.matchAll(PATTERN)) {
    add("plain", source.slice(at, match.index));
    const groups = match.groups ?? {};
    const found = Object.keys(groups).find((name) => groups[name] !== undefined);
    add(found === undefined || found === "name" ? "plain" : (found as TokenKind), match[0]);
    at = match.index + match[0].length;
  }
  add("plain", source.slice(at));
  return tokens;
}

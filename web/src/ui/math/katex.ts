import katex, { type TrustContext } from "katex";
import "katex/dist/katex.min.css";
import "./math.css";

/** Sets a formula into an element; returns null, or why it could not be set. */
export type TexRenderer = (tex: string, target: HTMLElement, display: boolean) => string | null;

// Only the role classes: content must not be able to style or link anything else.
const ROLE_CLASS = /^m-(actor|critic|reward|reference|ref)$/;

function trust(context: TrustContext): boolean {
  return context.command === "\\htmlClass" && ROLE_CLASS.test(context.class ?? "");
}

/**
 * KaTeX writes into the element itself rather than through an HTML string, because a content
 * security policy without inline styles refuses style attributes that were parsed from text.
 */
export const renderTex: TexRenderer = (tex, target, display) => {
  try {
    katex.render(tex, target, {
      displayMode: display,
      throwOnError: true,
      trust,
      strict: (code: string) => (code === "htmlExtension" ? "ignore" : "error"),
    });
    return null;
  } catch (error) {
    target.replaceChildren();
    const reason = error instanceof Error ? error.message : String(error);
    return reason.replace(/^KaTeX parse error: /, "");
  }
};

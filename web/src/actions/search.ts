import type { Action } from "./registry";

/**
 * The actions a query finds, best first. Every word of the query must begin some word of the
 * title, the group or the keywords; words found in the title count most.
 */
export function searchActions(list: Action[], query: string): Action[] {
  const wanted = words(query);
  if (wanted.length === 0) return list;
  const scored = list.flatMap((action) => {
    const title = words(action.title);
    const rest = words(`${action.group} ${action.keywords ?? ""}`);
    let score = 0;
    for (const word of wanted) {
      if (title.some((candidate) => candidate.startsWith(word))) score += 2;
      else if (rest.some((candidate) => candidate.startsWith(word))) score += 1;
      else return [];
    }
    return [{ action, score }];
  });
  return scored.sort((a, b) => b.score - a.score).map(({ action }) => action);
}

function words(text: string): string[] {
  return text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

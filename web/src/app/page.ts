import { useEffect } from "react";
import { create } from "zustand";

export interface Crumb {
  label: string;
  /** Where it leads; none for plain text. */
  to?: string;
}

interface Page {
  title: string;
  trail: Crumb[];
}

export const usePageStore = create<Page>(() => ({ title: "", trail: [] }));

/**
 * Tell the shell what this page is: the browser's title and the breadcrumb in the header.
 * `title` is the last crumb; pass "" while it is still being fetched.
 */
export function usePage(title: string, trail: Crumb[] = []): void {
  const key = JSON.stringify(trail);
  useEffect(() => {
    usePageStore.setState({ title, trail: JSON.parse(key) as Crumb[] });
    document.title = title ? `${title} · PPO Lab` : "PPO Lab";
  }, [title, key]);
}

import { type ErrorComponentProps, Link } from "@tanstack/react-router";

import { ProblemNotice } from "../ui/ProblemNotice";
import { usePage } from "./page";

/** An address that leads nowhere. */
export function NotFound() {
  usePage("Page not found");
  return (
    <div className="page-narrow">
      <h1 className="page-title">There is no page here</h1>
      <p className="mt-3 mb-5">
        Nothing is kept under <code className="num break-all">{window.location.pathname}</code>.
      </p>
      <Link to="/" className="btn btn-primary">
        Open the course map
      </Link>
    </div>
  );
}

/** A page that broke. Says what is known, and offers to try again. */
export function PageError({ error, reset }: ErrorComponentProps) {
  usePage("Something failed");
  return (
    <div className="page-narrow">
      <h1 className="page-title mb-4">This page could not be shown</h1>
      <ProblemNotice error={error} onRetry={reset} />
    </div>
  );
}

/** While a page's code is on its way. Rarely seen, so it stays quiet. */
export function PagePending() {
  return (
    <p role="status" className="page-narrow caption">
      Opening…
    </p>
  );
}

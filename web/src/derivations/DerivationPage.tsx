import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { answer, api } from "../api/client";
import { courseQuery } from "../api/queries";
import { usePage } from "../app/page";
import { loadTex } from "../ui/math/Tex";
import { ProblemNotice } from "../ui/ProblemNotice";
import { DerivationView, type DerivationCalls } from "./DerivationView";
import { type Derivation, derivationQuery } from "./queries";

/** The page at /derivation/$slug: fetches a derivation and shows it. */
export default function DerivationPage() {
  const { slug } = useParams({ from: "/derivation/$slug" });
  const client = useQueryClient();
  const query = derivationQuery(slug);
  const derivation = useQuery(query);
  const course = useQuery(courseQuery);
  const chapter = course.data?.chapters.find((c) => c.slug === derivation.data?.chapter);
  usePage(
    derivation.data?.title ?? "",
    chapter ? [{ label: `${chapter.number} ${chapter.title}`, to: "/" }] : [],
  );
  useEffect(() => {
    loadTex().catch(() => undefined); // each formula then says so itself
  }, []);

  function put(changed: Derivation) {
    client.setQueryData(query.queryKey, changed);
    if (changed.done) void client.invalidateQueries({ queryKey: courseQuery.queryKey });
  }
  const params = { path: { slug } };
  const calls: DerivationCalls = {
    arrange: async (pieces) => {
      const result = await answer(api.POST("/api/derivations/{slug}/proof", { params, body: { pieces } }));
      put(result.derivation);
      return result;
    },
    write: async (chain, lines) => {
      const result = await answer(api.POST("/api/derivations/{slug}/lines", { params, body: { chain, lines } }));
      put(result.derivation);
      return result;
    },
    prove: async (chain, lines) => {
      const body = { chain, lines };
      return (await answer(api.POST("/api/derivations/{slug}/formulas", { params, body }))).proved;
    },
    hint: async () => put(await answer(api.POST("/api/derivations/{slug}/hints", { params }))),
  };

  if (derivation.error && !derivation.data) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">This derivation could not be opened</h1>
        <ProblemNotice error={derivation.error} onRetry={() => void derivation.refetch()} />
      </div>
    );
  }
  if (!derivation.data) {
    return (
      <p role="status" className="page-narrow caption">
        Opening the derivation…
      </p>
    );
  }
  return <DerivationView key={slug} derivation={derivation.data} calls={calls} />;
}

import { queryOptions } from "@tanstack/react-query";
import { answer, api, type Wire } from "../api/client";

export type Derivation = Wire["Derivation"];
export type Chain = Wire["DerivationChain"];
export type LinesResult = Wire["LinesResult"];
export type LineResult = Wire["LineResult"];
export type ProofResult = Wire["ProofResult"];

/** One derivation. Kept fresh, since only this page changes it. */
export const derivationQuery = (slug: string) =>
  queryOptions({
    queryKey: ["derivation", slug],
    queryFn: () => answer(api.GET("/api/derivations/{slug}", { params: { path: { slug } } })),
    staleTime: 5 * 60_000,
  });

import { queryOptions } from "@tanstack/react-query";
import { answer, api, type Wire } from "../api/client";
import { problemFrom } from "../api/problem";

export type Summary = Wire["ProgressSummary"];
export type Verified = Wire["VerifiedCertificate"];
export type ImportReport = Wire["ImportReport"];

export const progressQuery = queryOptions({
  queryKey: ["progress"],
  queryFn: () => answer(api.GET("/api/progress")),
});

/**
 * Send a signed file as it is. Read and written anew, numbers might be spelt otherwise, and the
 * signature would not fit any more.
 */
export async function sendFile<T>(path: string, text: string): Promise<T> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: text,
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw problemFrom(response.status, body);
  return body as T;
}

/** Ask for a certificate; the text is the file. */
export async function issueCertificate(name: string): Promise<string> {
  const response = await fetch("/api/certificate", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw problemFrom(response.status, await response.json().catch(() => null));
  return response.text();
}

/** Have the browser save a text as a file. */
export function saveAs(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

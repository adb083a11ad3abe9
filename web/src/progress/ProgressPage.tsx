import { useQuery, useQueryClient } from "@tanstack/react-query";
import { usePage } from "../app/page";
import { ProblemNotice } from "../ui/ProblemNotice";
import { ProgressView } from "./ProgressView";
import { type ImportReport, issueCertificate, progressQuery, saveAs, sendFile, type Verified } from "./queries";

/** The page at /progress: what was done, as a file and as a certificate. */
export default function ProgressPage() {
  const client = useQueryClient();
  const progress = useQuery(progressQuery);
  usePage("Progress");

  if (progress.error && !progress.data) {
    return (
      <div className="page-narrow">
        <h1 className="page-title mb-4">Your progress could not be opened</h1>
        <ProblemNotice error={progress.error} onRetry={() => void progress.refetch()} />
      </div>
    );
  }
  if (!progress.data) {
    return (
      <p role="status" className="page-narrow caption">
        Opening your progress…
      </p>
    );
  }
  return (
    <ProgressView
      summary={progress.data}
      onImport={async (text) => {
        const report = await sendFile<ImportReport>("/api/progress/import", text);
        void client.invalidateQueries(); // anything may have changed
        return report;
      }}
      onIssue={async (name) => {
        saveAs("ppolab-certificate.json", await issueCertificate(name));
        void progress.refetch();
      }}
      onVerify={(text) => sendFile<Verified>("/api/certificate/verify", text)}
    />
  );
}

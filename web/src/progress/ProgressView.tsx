import { BadgeCheck, Check, Download, Upload, X } from "lucide-react";
import { type ChangeEvent, type FormEvent, type ReactNode, useId, useState } from "react";
import { asProblem } from "../api/problem";
import "./progress.css";
import type { ImportReport, Summary, Verified } from "./queries";

interface ProgressViewProps {
  summary: Summary;
  /** Each rejects with an ApiProblem. */
  onImport: (text: string) => Promise<ImportReport>;
  onIssue: (name: string) => Promise<void>;
  onVerify: (text: string) => Promise<Verified>;
}

/** What was done; the file that carries it; certificates issued and verified. */
export function ProgressView({ summary, onImport, onIssue, onVerify }: ProgressViewProps) {
  return (
    <div className="page-narrow progress-page">
      <h1 className="page-title">Progress</h1>
      <p>
        <strong className="num">{summary.done}</strong> of <span className="num">{summary.total}</span> done,{" "}
        {count(summary.attempts, "submission")}, {count(summary.answers, "answer")},{" "}
        {count(summary.predictions, "prediction")}, {count(summary.hints, "hint")}.
      </p>
      <section className="card" aria-labelledby="file-title">
        <h2 id="file-title">As one file</h2>
        <p>
          The file holds everything you did here. Taking one in adds what is not here yet, and nothing
          is lost.
        </p>
        <p className="progress-buttons">
          <a className="btn" href="/api/progress/export" download>
            <Download size={15} aria-hidden /> Save the file
          </a>
        </p>
        <FileField label="Take a file in" onText={async (text) => importWords(await onImport(text))} />
      </section>
      <section className="card" aria-labelledby="certificate-title">
        <h2 id="certificate-title">Certificate</h2>
        {summary.passed.length === 0 ? (
          <p>Nothing was passed here yet: a challenge, a chapter's questions or a derivation.</p>
        ) : (
          <Passed of={summary.passed} />
        )}
        <Issue disabled={summary.passed.length === 0} onIssue={onIssue} />
        {summary.public_key && (
          <p className="caption">
            Signed with the key of this installation, <code>{summary.fingerprint}</code>, in full{" "}
            <code className="break-all">{summary.public_key}</code>. A certificate is worth as much as
            whoever holds that key.
          </p>
        )}
      </section>
      <section className="card" aria-labelledby="verify-title">
        <h2 id="verify-title">Verify a certificate</h2>
        <FileField label="Certificate to verify" onText={async (text) => <VerifiedWords of={await onVerify(text)} />} />
      </section>
    </div>
  );
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function importWords(report: ImportReport): ReactNode {
  return (
    <p className="progress-verdict">
      <Check size={16} aria-hidden />
      <span>
        {report.added} added, {report.known} known already, {report.kept_beside} kept beside what counts.
        {report.origin && ` It comes from ${report.origin}, so it is in no certificate issued here.`}
      </span>
    </p>
  );
}

interface FileFieldProps {
  label: string;
  /** Work on the file's text; resolves with what to say. */
  onText: (text: string) => Promise<ReactNode>;
}

function FileField({ label, onText }: FileFieldProps) {
  const id = useId();
  const [said, setSaid] = useState<ReactNode>(null);
  const [problem, setProblem] = useState<string | null>(null);

  async function take(event: ChangeEvent<HTMLInputElement>) {
    const input = event.target;
    const file = input.files?.[0];
    if (!file) return;
    setSaid(null);
    setProblem(null);
    try {
      setSaid(await onText(await file.text()));
    } catch (error) {
      setProblem(asProblem(error).detail);
    }
    input.value = ""; // so that the same file can be chosen again
  }

  return (
    <div className="progress-file">
      <label htmlFor={id}>
        <Upload size={15} aria-hidden /> {label}
      </label>
      <input id={id} type="file" accept="application/json,.json" onChange={(event) => void take(event)} />
      <div role="status">{said}</div>
      {problem && (
        <p role="alert" className="progress-verdict">
          <X size={16} aria-hidden /> <span>{problem}</span>
        </p>
      )}
    </div>
  );
}

function Issue({ disabled, onIssue }: { disabled: boolean; onIssue: (name: string) => Promise<void> }) {
  const id = useId();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);

  async function issue(event: FormEvent) {
    event.preventDefault();
    setProblem(null);
    try {
      await onIssue(name);
    } catch (error) {
      setProblem(asProblem(error).detail);
    }
  }
  return (
    <form className="progress-issue" onSubmit={(event) => void issue(event)}>
      <label htmlFor={id}>Name on the certificate</label>
      <input
        id={id}
        className="field"
        autoComplete="name"
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="btn btn-primary" disabled={disabled}>
        <BadgeCheck size={15} aria-hidden /> Issue and save
      </button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}

function Passed({ of }: { of: Summary["passed"] }) {
  return (
    <ul className="progress-passed">
      {of.map((entry) => (
        <li key={`${entry.kind} ${entry.slug}`}>
          <Check size={15} aria-hidden />
          <span>
            {entry.title} <small>({entry.chapter})</small>
            <small className="caption">
              {entry.kind}, {count(entry.attempts, "attempt")}, {count(entry.hints, "hint")},{" "}
              <time dateTime={entry.passed_at}>{entry.passed_at.slice(0, 10)}</time>
            </small>
          </span>
        </li>
      ))}
    </ul>
  );
}

function VerifiedWords({ of }: { of: Verified }) {
  return (
    <>
      <p className="progress-verdict">
        <Check size={16} aria-hidden />
        <span>
          Nothing in it was changed. It was issued to <strong>{of.name}</strong> on {of.issued_at.slice(0, 10)} by{" "}
          {of.own ? "this installation" : "another installation"}, <code>{of.fingerprint}</code>. Compare that with
          the key that you trust.
        </span>
      </p>
      <Passed of={of.passed} />
    </>
  );
}

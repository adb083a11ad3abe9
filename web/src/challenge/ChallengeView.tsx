import { CircleCheck, Play, RotateCcw } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useActions } from "../actions/useActions";
import { answer, api, type Wire } from "../api/client";
import { Blocks } from "../lessons/Blocks";
import "../lessons/lesson.css";
import { Keys } from "../ui/Kbd";
import { ProblemNotice } from "../ui/ProblemNotice";
import { AfterPassing } from "./AfterPassing";
import { Attempts } from "./Attempts";
import { type Attempt, shownChecks } from "./attempt";
import "./challenge.css";
import { openingText, readLocalDraft } from "./draft";
import { Editor, type EditorHandle } from "./Editor";
import { Examples } from "./Examples";
import { Hints } from "./Hints";
import { useAttempt } from "./useAttempt";
import { useDraft } from "./useDraft";
import { Checks, VerdictSummary } from "./Verdict";

interface ChallengeViewProps {
  challenge: Wire["Challenge"];
  /** an attempt has its verdict */
  onGraded: () => void;
}

/** A challenge: what is asked, the editor, the verdict as it comes, hints and earlier attempts. */
export function ChallengeView({ challenge, onGraded }: ChallengeViewProps) {
  const { slug } = challenge;
  const editor = useRef<EditorHandle>(null);
  const verdict = useRef<HTMLElement>(null);
  const leaving = useId();
  const [initial] = useState(() =>
    openingText(challenge.starter, challenge.draft, readLocalDraft(slug)),
  );
  const draft = useDraft(slug);
  const [submitted, setSubmitted] = useState<Attempt | null>(null);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const { attempt, connection, refused, said } = useAttempt(submitted);
  const busy = sending || (attempt !== null && attempt.status !== "done" && refused === null);
  const solved = challenge.solved || attempt?.verdict === "pass";

  async function submit() {
    if (busy || !editor.current) return;
    setSending(true);
    setProblem(null);
    try {
      setSubmitted(
        await answer(
          api.POST("/api/challenges/{slug}/attempts", {
            params: { path: { slug } },
            body: { source: editor.current.text() },
          }),
        ),
      );
      bringIntoSight(verdict.current);
    } catch (error) {
      setProblem(error);
    }
    setSending(false);
  }

  const graded = useRef(onGraded);
  useEffect(() => {
    graded.current = onGraded;
  });
  const verdictOf = attempt?.status === "done" ? attempt.id : null;
  useEffect(() => {
    if (verdictOf !== null) graded.current();
  }, [verdictOf]);

  useActions([
    {
      id: "challenge.submit",
      title: "Submit the code",
      group: "Challenge",
      keys: "mod+enter",
      when: () => !busy,
      perform: () => void submit(),
    },
    {
      id: "challenge.reset",
      title: "Reset the code to the starter",
      group: "Challenge",
      perform: () => editor.current?.replace(challenge.starter),
    },
  ]);

  return (
    <div className="challenge">
      <section className="challenge-text prose" tabIndex={0} aria-label="What is asked">
        <p className="eyebrow">Challenge · about {challenge.minutes} minutes</p>
        <h1>{challenge.title}</h1>
        {solved && (
          <p className="challenge-solved">
            <CircleCheck size={18} aria-hidden /> You have solved this.
          </p>
        )}
        <Blocks of={challenge.prompt} />
        <Examples of={challenge.examples} />
        <Hints hints={challenge.hints} tries={challenge.tries} />
        {challenge.after && <AfterPassing after={challenge.after} />}
      </section>
      <div className="challenge-work">
        <div className="card editor-card">
          <div className="editor-head">
            <p>
              Write <code className="num">{challenge.entry}</code>
            </p>
            <p className="caption" role="status">
              {draft.words}
            </p>
          </div>
          <Editor
            ref={editor}
            initial={initial}
            label={`Your Python code for ${challenge.title}`}
            describedBy={leaving}
            onChange={draft.change}
            onSubmit={() => void submit()}
          />
          <div className="editor-foot">
            <button
              type="button"
              className="btn btn-primary"
              disabled={busy}
              onClick={() => void submit()}
            >
              <Play size={15} aria-hidden /> {busy ? "Checking…" : "Submit"}
            </button>
            <Keys keys="mod+enter" />
            <button
              type="button"
              className="btn"
              onClick={() => editor.current?.replace(challenge.starter)}
            >
              <RotateCcw size={15} aria-hidden /> Reset to the starter
            </button>
            <p id={leaving} className="caption">
              Tab indents. Escape, then Tab leaves the editor. Undo brings a reset back.
            </p>
          </div>
        </div>
        {problem !== null && <ProblemNotice error={problem} onRetry={() => void submit()} />}
        <section ref={verdict} className="card verdict-card" aria-labelledby="checks-title">
          <h2 id="checks-title">{attempt ? "Verdict" : "What will be checked"}</h2>
          <p role="status" className="sr-only">
            {said}
          </p>
          {connection === "reconnecting" && attempt?.status !== "done" && (
            <p className="caption">
              The connection is lost; trying again. The server keeps grading, and nothing is lost.
            </p>
          )}
          {refused !== null && (
            <p role="alert">The verdict did not come: {refused} Submit again.</p>
          )}
          {attempt && <VerdictSummary attempt={attempt} />}
          <Checks
            checks={shownChecks(challenge.checks, attempt)}
            announced={attempt === null}
          />
        </section>
        <Attempts
          slug={slug}
          except={attempt?.id ?? null}
          onRestore={(source) => editor.current?.replace(source)}
        />
      </div>
    </div>
  );
}

/** Scroll to the verdict where it begins below what is seen, as on a phone. */
function bringIntoSight(element: HTMLElement | null) {
  if (!element || element.getBoundingClientRect().top < window.innerHeight * 0.7) return;
  const calm = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

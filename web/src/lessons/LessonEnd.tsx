import { Link } from "@tanstack/react-router";
import { ArrowLeft, ArrowRight, Check } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { ITEM_NAMES, itemAddress } from "../map/address";
import type { Lesson } from "./ast";

interface LessonEndProps {
  lesson: Lesson;
  onDone: (done: boolean) => Promise<void>;
}

/** The end of a lesson: mark it as done, and where to go from here. */
export function LessonEnd({ lesson, onDone }: LessonEndProps) {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function change(done: boolean) {
    setSending(true);
    setProblem(null);
    try {
      await onDone(done);
    } catch (error) {
      setProblem(`This was not kept. ${asProblem(error).detail}`);
    }
    setSending(false);
  }

  return (
    <footer className="lesson-end">
      {lesson.done ? (
        <p className="lesson-done" role="status">
          <Check size={18} aria-hidden /> <strong>Done.</strong>
          <button
            type="button"
            className="btn btn-quiet"
            disabled={sending}
            onClick={() => void change(false)}
          >
            Mark as not done
          </button>
        </p>
      ) : (
        <button
          type="button"
          className="btn btn-primary"
          disabled={sending}
          onClick={() => void change(true)}
        >
          <Check size={16} aria-hidden /> Mark as done
        </button>
      )}
      {problem && <p role="alert">{problem}</p>}
      <nav aria-label="Neighbouring lessons" className="neighbours">
        {lesson.previous && <Neighbour address={lesson.previous} direction="previous" />}
        {lesson.next ? (
          <Neighbour address={lesson.next} direction="next" />
        ) : (
          <Link to="/" className="neighbour neighbour-next">
            <small>This was the last one written</small>
            <span>
              Course map <ArrowRight size={16} aria-hidden />
            </span>
          </Link>
        )}
      </nav>
    </footer>
  );
}

interface NeighbourProps {
  address: NonNullable<Lesson["next"]>;
  direction: "previous" | "next";
}

function Neighbour({ address, direction }: NeighbourProps) {
  const className = `neighbour neighbour-${direction}`;
  const kind = ITEM_NAMES[address.kind].toLowerCase();
  const inside = (
    <>
      <small>
        {direction === "next" ? "Next" : "Previous"} {kind}
      </small>
      <span>
        {direction === "previous" && <ArrowLeft size={16} aria-hidden />}
        {address.title}
        {direction === "next" && <ArrowRight size={16} aria-hidden />}
      </span>
    </>
  );
  return (
    <Link to={itemAddress(address.kind, address.chapter, address.slug)} className={className}>
      {inside}
    </Link>
  );
}

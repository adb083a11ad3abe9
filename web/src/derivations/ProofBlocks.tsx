import { Check, Plus, X } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { plainText } from "../lessons/ast";
import { Blocks } from "../lessons/Blocks";
import { SortableList } from "../ui/SortableList";
import type { Derivation, ProofResult } from "./queries";

interface ProofBlocksProps {
  derivation: Derivation;
  onArrange: (pieces: string[]) => Promise<ProofResult>;
}

/** Blocks to choose from, and the proof that is made of them. */
export function ProofBlocks({ derivation, onArrange }: ProofBlocksProps) {
  const { pieces } = derivation;
  const [chosen, setChosen] = useState<string[]>(() =>
    derivation.proof.filter((id) => pieces.some((piece) => piece.id === id)),
  );
  const [sending, setSending] = useState(false);
  const [result, setResult] = useState<{ right: boolean; words: string } | null>(null);
  const [said, setSaid] = useState("");
  const named = pieces.map((piece) => ({ ...piece, name: nameOf(piece) }));
  const proof = chosen.flatMap((id) => named.filter((piece) => piece.id === id));
  const left = named.filter((piece) => !chosen.includes(piece.id));

  function change(ids: string[], words = "") {
    setChosen(ids);
    setResult(null);
    setSaid(words);
  }
  async function send() {
    setSending(true);
    try {
      const { right, credit, words } = await onArrange(chosen);
      setResult({ right, words: right ? words : `${words} Credit: ${credit} %.` });
    } catch (error) {
      setResult({ right: false, words: `This was not kept. ${asProblem(error).detail}` });
    }
    setSending(false);
  }

  return (
    <div className="proof">
      <div className="proof-part">
        <h3>Blocks</h3>
        {left.length === 0 && <p className="caption">All of them are in your proof.</p>}
        <ul className="proof-bank">
          {left.map((piece) => (
            <li key={piece.id}>
              <div>
                <Blocks of={piece.children} />
              </div>
              <button
                type="button"
                className="btn"
                aria-label={`Add to the proof: ${piece.name}`}
                onClick={() => change([...chosen, piece.id], `Added as number ${chosen.length + 1}`)}
              >
                <Plus size={15} aria-hidden /> Add
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div className="proof-part">
        <h3>Your proof</h3>
        {proof.length === 0 && <p className="caption">Add the first block.</p>}
        <SortableList
          label="Your proof"
          items={proof.map((piece) => ({
            id: piece.id,
            name: piece.name,
            content: <Blocks of={piece.children} />,
          }))}
          disabled={sending}
          onOrder={(ids) => change(ids)}
          actions={(item) => (
            <button
              type="button"
              className="btn btn-icon btn-quiet"
              aria-label={`Take out: ${item.name}`}
              onClick={() => change(chosen.filter((id) => id !== item.id), "Taken out")}
            >
              <X size={15} aria-hidden />
            </button>
          )}
        />
        <p role="status" className="sr-only">
          {said}
        </p>
        <p className="proof-send">
          <button
            type="button"
            className="btn btn-primary"
            disabled={sending || chosen.length === 0}
            onClick={() => void send()}
          >
            {sending ? "Checking…" : "Check the proof"}
          </button>
          {derivation.proof_done && !result && (
            <span className="proof-verdict">
              <Check size={16} aria-hidden /> Proved
            </span>
          )}
        </p>
        <div role="status">
          {result && (
            <p className="proof-verdict">
              {result.right ? <Check size={16} aria-hidden /> : <X size={16} aria-hidden />}
              {result.words}
            </p>
          )}
        </div>
      </div>
    </div>
  );
}

/** What a screen reader calls a block: its words, formulas as they are typed. */
function nameOf(piece: Derivation["pieces"][number]): string {
  return piece.children
    .map((block) => (block.type === "paragraph" ? plainText(block.children) : ""))
    .join(" ")
    .replace(/[\\{}]/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

"""Make the tokenizer and the base model that come with the course, from Austen's novels alone.

    python scripts/make_base_model.py                 about 20 minutes on one core
    python scripts/make_base_model.py --tokens 1e6    a poor one, quickly

Writes src/ppolab/language/assets/{tokenizer.json,base.safetensors,base.json}; base.json tells how
it was made and the perplexity that it reached on sentences held out.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from pathlib import Path

import torch

from ppolab.language.corpus import austen
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.sft import (
    Example,
    next_token_loss,
    validation_loss,
    warmup_then_decay,
    windows,
)
from ppolab.language.store import save_gpt
from ppolab.language.tokenizer import Tokenizer

ASSETS = Path(__file__).parent.parent / "src" / "ppolab" / "language" / "assets"
BATCH = 32


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=float, default=16e6, help="tokens to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus = austen()
    tokenizer = Tokenizer.train(corpus.running, vocabulary=2048)
    tokenizer.save(ASSETS / "tokenizer.json")
    config = GPTConfig(vocabulary=tokenizer.vocabulary)
    model = GPT(config, options.seed)
    optimizer = FlatAdamW(
        [model], options.learning_rate, getattr(torch, options.dtype), (0.9, 0.98),
        weight_decay=0.05,
    )  # fmt: skip
    paragraphs = tokenizer.encode_all(corpus.running)
    text = torch.tensor([i for ids in paragraphs for i in (tokenizer.end, *ids)])
    held_out = [Example([tokenizer.end, *ids]) for ids in tokenizer.encode_all(corpus.validation)]
    held_out = [e for e in held_out if len(e.tokens) <= config.context]
    generator = torch.Generator().manual_seed(options.seed)
    batches = windows(text, config.context, BATCH, generator)
    steps = int(options.tokens / (BATCH * config.context))
    started = time.process_time()
    for step in range(steps):
        loss = next_token_loss(model, next(batches))
        loss.backward()
        optimizer.step(options.learning_rate * warmup_then_decay(step / steps))
        if step % 250 == 0 or step == steps - 1:
            perplexity = math.exp(validation_loss(model, held_out))
            print(
                f"step {step:,} of {steps:,}: loss {loss.item():.3f}, perplexity on held-out "
                f"sentences {perplexity:.2f}, {time.process_time() - started:.0f} CPU-s",
                flush=True,
            )
    model.float()
    save_gpt(ASSETS / "base.safetensors", model, torch.bfloat16)
    made = {
        "model": config.to_mapping(),
        "made_by": f"python scripts/make_base_model.py --tokens {options.tokens:g} "
        f"--seed {options.seed} --learning-rate {options.learning_rate:g} --dtype {options.dtype}",
        "trained_on_tokens": steps * BATCH * config.context,
        "text_tokens": len(text),
        "held_out_perplexity": round(perplexity, 3),
        "cpu_seconds": round(time.process_time() - started),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    (ASSETS / "base.json").write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()

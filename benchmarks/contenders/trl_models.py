"""What TRL's contenders share: GPT-2 of the job's shape, its tokenizer, and silence.

Dropout is 0, as it is in PPO Lab's model and as TRL's PPO sets it.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
warnings.filterwarnings("ignore")

import transformers  # noqa: E402
from transformers import GPT2Config, PreTrainedTokenizerFast  # noqa: E402
from words import END, PADDING, make_tokenizer  # noqa: E402

transformers.logging.set_verbosity_error()


def shape_of(job: dict[str, Any]) -> GPT2Config:
    """GPT-2's configuration of the job's shape."""
    shape = job["shape"]
    return GPT2Config(
        vocab_size=shape["vocabulary"], n_positions=64, n_embd=shape["width"],
        n_layer=shape["layers"], n_head=shape["heads"], num_labels=1,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, summary_first_dropout=0.0,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip


def tokenizer_of(job: dict[str, Any]) -> PreTrainedTokenizerFast:
    """The words' tokenizer as transformers wants it."""
    backing = make_tokenizer(job["shape"]["vocabulary"])
    return PreTrainedTokenizerFast(tokenizer_object=backing, eos_token=END, pad_token=PADDING)

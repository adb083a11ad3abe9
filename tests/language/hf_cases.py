"""Tiny Hugging Face models with random weights, made without a download."""

from __future__ import annotations

from typing import Any

import torch

VOCABULARY = 41
_SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 48, "bos_token_id": 0, "eos_token_id": 0,
    "pad_token_id": 1,
}  # fmt: skip
_GROUPED = {**_SIZES, "num_key_value_heads": 1, "head_dim": 8}

KINDS: dict[str, dict[str, Any]] = {
    "gpt2": {"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 48,
             "bos_token_id": 0, "eos_token_id": 0},
    "gpt_neox": _SIZES,
    "llama": _GROUPED,
    "qwen2": _GROUPED,
    "qwen3": _GROUPED,
    # Windows shorter than the sequences of the tests, so that they matter.
    "gemma2": {**_GROUPED, "query_pre_attn_scalar": 8, "sliding_window": 4,
               "final_logit_softcapping": 2.0},
    "mistral": {**_GROUPED, "sliding_window": 4},
    "phi3": _GROUPED,
    "opt": {**_SIZES, "ffn_dim": 32, "word_embed_proj_dim": 8},
    "granite": {**_GROUPED, "logits_scaling": 3.0, "embedding_multiplier": 2.0},
}  # fmt: skip


def tiny(kind: str, seed: int = 1, spread: float = 0.3) -> Any:
    """A causal model with weights large enough for its predictions to differ from chance."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, **KINDS[kind])
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0.0, spread)
    return model

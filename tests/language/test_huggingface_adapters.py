from pathlib import Path
from typing import Any

import pytest
import torch
from hf_cases import KINDS, tiny

from ppolab.errors import InvalidSettingError, StorageError, UnavailableError
from ppolab.language.custom_rewards import PromptBook
from ppolab.language.generation import Sampling, generate
from ppolab.language.huggingface.causal import AdapterOff, HuggingFaceModel
from ppolab.language.huggingface.classifier import ClassifierReward
from ppolab.language.huggingface.loading import (
    is_huggingface,
    load_model,
    load_tokenizer,
    save_model,
    with_adapter,
)
from ppolab.language.huggingface.tokenizer import HuggingFaceTokenizer
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.tokens import TokenBatch

BATCH = TokenBatch.from_sequences([[5, 6, 7, 8], [12, 13]])
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|> {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}<|assistant|> {% endif %}"
)


def words(template: str | None = None) -> HuggingFaceTokenizer:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    named = ["<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>", "hello", "there"]
    backing = Tokenizer(models.WordLevel({w: i for i, w in enumerate(named)}, unk_token="<unk>"))
    backing.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=backing, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
    )  # fmt: skip
    made.chat_template = template
    return HuggingFaceTokenizer(made)


def taught(kind: str) -> tuple[HuggingFaceModel, torch.Tensor]:
    """A model with an adapter that has taken steps, and its states before."""
    before = tiny(kind)
    model = HuggingFaceModel(with_adapter(before, 2, 4, seed=1))
    untaught = model(BATCH).detach()
    optimizer = FlatAdamW([model], 0.1)
    for _ in range(2):
        torch.autograd.backward(-model.log_probs(model(BATCH), BATCH.tokens).sum())
        optimizer.step()
    return model, untaught


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gemma2"])
def test_an_adapter_learns_and_its_absence_is_the_model_from_before(
    kind: str, tmp_path: Path
) -> None:
    model, untaught = taught(kind)
    reference = AdapterOff(model)
    assert torch.equal(reference(BATCH), untaught)
    states = model(BATCH).detach()
    assert (states - untaught).abs().max() > 0.1
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora" in name for name in trained)
    # What the reference writes has the reference's own log-probabilities.
    samples = generate(reference, BATCH, Sampling(5), 3, torch.Generator().manual_seed(1))
    read = reference.log_probs(reference(samples.context)[samples.predictors], samples.targets)
    torch.testing.assert_close(read, samples.log_probs[samples.mask], rtol=0, atol=2e-5)
    # And the merged model on disk is the taught one, adapter and all.
    save_model(tmp_path, model, words())
    assert is_huggingface(str(tmp_path))
    torch.testing.assert_close(load_model(str(tmp_path))(BATCH), states, rtol=1e-4, atol=1e-4)
    assert torch.equal(model(BATCH).detach(), states)  # saving leaves it as it was


def test_a_model_whose_weights_are_one_vector_is_saved_with_its_ties(tmp_path: Path) -> None:
    model = HuggingFaceModel(tiny("gpt2"))
    optimizer = FlatAdamW([model], 0.1)
    torch.autograd.backward(-model.log_probs(model(BATCH), BATCH.tokens).sum())
    optimizer.step()
    save_model(tmp_path, model, words())
    again = load_model(str(tmp_path))
    assert torch.equal(again(BATCH), model(BATCH))
    assert again.causal.lm_head.weight is again.causal.transformer.wte.weight
    weights = sum(f.stat().st_size for f in (tmp_path / "pretrained").glob("*.safetensors"))
    assert weights < 4 * len(optimizer.vector) + 20_000


def test_a_model_without_an_adapter_cannot_be_its_own_reference() -> None:
    with pytest.raises(InvalidSettingError, match="lora_rank"):
        AdapterOff(HuggingFaceModel(tiny("llama")))


def test_the_same_seed_makes_the_same_adapter_and_spares_the_global_chance() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    made = []
    for seed in (1, 1, 2):
        base = tiny("llama")
        torch.manual_seed(5)
        model = with_adapter(base, 2, 4, seed)
        assert torch.equal(torch.rand(3), expected)
        made.append(next(p for n, p in model.named_parameters() if "lora_A" in n).detach())
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_prompts_follow_the_chat_template_where_there_is_one() -> None:
    plain, chat = words(), words(TEMPLATE)
    assert plain.prompt("hello there") == [0, 5, 6]
    assert chat.prompt("hello") == [3, 5, 4]
    assert chat.conversation("hello", "there") == "<|user|> hello <|assistant|> there "
    assert chat.decode([3, 5, 4, 6, 1]) == "hello there"
    assert (plain.end, plain.vocabulary, plain.encode_all(["there", "hello"])) == (1, 7, [[6], [5]])


def test_a_tokenizer_without_an_end_is_refused() -> None:
    backing = words().backing
    backing.eos_token = None
    with pytest.raises(UnavailableError, match="end-of-sequence"):
        HuggingFaceTokenizer(backing)


def classifier(folder: Path, labels: int) -> Any:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(1)
    config = LlamaConfig(**{**KINDS["llama"], "num_labels": labels, "pad_token_id": 1})
    model = LlamaForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    words().backing.save_pretrained(folder)
    return model


def test_a_classifier_scores_each_text_as_if_alone(tmp_path: Path) -> None:
    theirs = classifier(tmp_path, 1)
    reward = ClassifierReward(str(tmp_path), PromptBook(words()))
    samples = generate(
        HuggingFaceModel(tiny("llama")), BATCH, Sampling(2), 3, torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        alone = [float(theirs(torch.tensor([ids])).logits) for ids in ([5, 6, 5, 5], [6])]
    assert reward(samples, ["hello there hello hello", "there"]).tolist() == pytest.approx(
        alone, abs=1e-5
    )


def test_a_classifier_of_several_classes_is_refused(tmp_path: Path) -> None:
    classifier(tmp_path, 3)
    with pytest.raises(InvalidSettingError, match="3 outputs"):
        ClassifierReward(str(tmp_path), PromptBook(words()))


def test_a_folder_that_holds_no_model_is_told(tmp_path: Path) -> None:
    assert not is_huggingface(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert is_huggingface(str(tmp_path))
    with pytest.raises(StorageError, match="cannot be loaded"):
        load_model(str(tmp_path))
    with pytest.raises(StorageError, match="cannot be loaded"):
        load_tokenizer(str(tmp_path))

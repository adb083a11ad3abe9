"""vLLM's part is played by a stand-in with the same few calls that samples from the folder."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from hf_cases import tiny

from ppolab.errors import InvalidSettingError, UnavailableError
from ppolab.language.generation import Samples, Sampling
from ppolab.language.huggingface import vllm as module_under_test
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.loading import with_adapter
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.huggingface.vllm import RolloutsDifferError, VLLMRollouts
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.ranks import Ranks
from ppolab.language.rlhf_stage import RLHFStage, rlhf_trainer
from ppolab.recorder import NullRecorder

END = 3
PROMPTS = [[5, 6, 7, 8], [12, 13], [14], [15, 9, 4]] * 3


class Engine:
    """Answers like vLLM's `LLM`, one request after the other, with the folder's weights."""

    def __init__(self, folder: str, arithmetic: str) -> None:
        self.folder, self.arithmetic, self.deaf = folder, arithmetic, False
        self.collective_rpc("reload_weights")

    def collective_rpc(self, what: str) -> None:
        from transformers import AutoModelForCausalLM

        assert what == "reload_weights"
        if not self.deaf:
            self.model = AutoModelForCausalLM.from_pretrained(self.folder).eval()

    @torch.no_grad()
    def generate(self, prompts: list[Any], parameters: list[Any], use_tqdm: bool) -> list[Any]:
        answers = []
        for prompt, asked in zip(prompts, parameters, strict=True):
            chance = torch.Generator().manual_seed(asked.seed)
            tokens: list[int] = []
            said = []
            while len(tokens) < asked.max_tokens and tokens[-1:] != asked.stop_token_ids:
                read = torch.tensor([prompt["prompt_token_ids"] + tokens])
                known = (self.model(read).logits[0, -1] / asked.temperature).log_softmax(-1)
                tokens.append(int(torch.multinomial(known.exp(), 1, generator=chance)))
                said.append({tokens[-1]: SimpleNamespace(logprob=float(known[tokens[-1]]))})
            answers.append(SimpleNamespace(outputs=[SimpleNamespace(
                token_ids=tokens, logprobs=said
            )]))  # fmt: skip
        return answers


@pytest.fixture
def rollouts(monkeypatch: pytest.MonkeyPatch) -> VLLMRollouts:
    stand_in = ModuleType("vllm")
    stand_in.SamplingParams = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", stand_in)
    monkeypatch.setattr(module_under_test, "save_model", saved_without_tokenizer)
    return VLLMRollouts(None, Engine)  # type: ignore[arg-type]


def saved_without_tokenizer(folder: Any, model: HuggingFaceModel, tokenizer: None) -> None:
    from ppolab.language.huggingface.loading import save_model

    keeps_nothing = SimpleNamespace(backing=SimpleNamespace(save_pretrained=lambda path: None))
    save_model(folder, model, keeps_nothing)  # type: ignore[arg-type]


def write(rollouts: VLLMRollouts, model: HuggingFaceModel, seed: int = 1) -> Samples:
    chance = torch.Generator().manual_seed(seed)
    return rollouts(model, PROMPTS, Sampling(8, 0.7), END, chance, None, Ranks())


def taught(model: HuggingFaceModel, samples: Samples) -> None:
    """Make what was written much less likely."""
    optimizer = FlatAdamW([model], 0.1)
    hidden = model(samples.context)[samples.predictors]
    torch.autograd.backward(model.log_probs(hidden, samples.targets).sum())
    optimizer.step()


@pytest.mark.parametrize("adapted", [True, False], ids=["adapter", "all weights"])
def test_what_is_written_follows_the_policy_as_it_learns(
    rollouts: VLLMRollouts, adapted: bool
) -> None:
    base = tiny("llama")
    model = HuggingFaceModel(with_adapter(base, 2, 4, seed=1) if adapted else base)
    samples = write(rollouts, model)
    assert rollouts.measured["rollout_gap"] < 1e-5
    assert samples.prompt_lengths.tolist() == [len(prompt) for prompt in PROMPTS]
    assert len(set(samples.response_lengths.tolist())) > 1
    for row, length in enumerate(samples.response_lengths.tolist()):
        written = samples.responses[row].tolist()
        assert END not in written[: length - 1]
        assert bool(samples.ended[row]) == (written[length - 1] == END)
        assert samples.ended[row] or length == 8
    # The log-probabilities are the policy's, at the temperature of the draws.
    with torch.no_grad():
        hidden = model(samples.context)[samples.predictors]
        ours = model.log_probs(hidden, samples.targets, 0.7)
    assert torch.equal(samples.log_probs[samples.mask], ours)
    assert torch.equal(write(rollouts, model).responses, samples.responses)
    taught(model, samples)
    assert not torch.equal(write(rollouts, model).responses, samples.responses)
    assert rollouts.measured["rollout_gap"] < 1e-5


def test_weights_that_do_not_arrive_are_noticed(rollouts: VLLMRollouts) -> None:
    model = HuggingFaceModel(tiny("llama"))
    samples = write(rollouts, model)
    rollouts._engine.deaf = True
    taught(model, samples)
    with pytest.raises(RolloutsDifferError, match="nats from the policy's own"):
        write(rollouts, model)


def test_the_folder_goes_with_the_rollouts(rollouts: VLLMRollouts) -> None:
    write(rollouts, HuggingFaceModel(tiny("llama")))
    assert rollouts._folder is not None
    folder = rollouts._engine.folder
    rollouts.close()
    with pytest.raises(OSError, match=folder):
        Engine(folder, "float32")


def test_where_it_cannot_write_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UnavailableError, match="--rollouts own"):
        module_under_test.start_engine("nowhere", "float32")
    stage = RLHFStage(huggingface=HuggingFaceSettings(rollouts="vllm"))
    with pytest.raises(InvalidSettingError, match="own model"):
        rlhf_trainer(stage, NullRecorder(), lambda words: None)
    ranks = Ranks()
    ranks.size = 2
    with pytest.raises(InvalidSettingError, match="2 ranks"):
        VLLMRollouts(None)(  # type: ignore[arg-type]
            HuggingFaceModel(tiny("llama")), PROMPTS, Sampling(8), END, torch.Generator(), None,
            ranks,
        )  # fmt: skip

import pytest

from ppolab.errors import InvalidSettingError
from ppolab.language.corpus import PROMPT_TOKENS, austen, corpus_of
from ppolab.language.tokenizer import END, Tokenizer


def test_held_out_sentences_are_in_no_training_text() -> None:
    corpus = austen()
    running = " ".join(corpus.running)
    assert len(corpus.validation) > 900
    assert not set(corpus.validation) & set(corpus.training)
    long = [s for s in corpus.validation if len(s) > 60][:200]
    assert not any(sentence in running for sentence in long)


def test_sentences_are_whole_plain_and_of_a_fitting_length() -> None:
    for sentence in austen().training[::97]:
        assert 6 <= len(sentence.split()) <= 30
        assert sentence[-1] in ".!?"
        assert sentence.isascii()
        assert sentence == sentence.lower()


def test_titles_do_not_end_sentences() -> None:
    line = "Mr. Brown and Mrs. Gray went to the town on day {} of it."
    text = "\n\n".join(line.format(day) for day in range(99))
    assert all(s.startswith("mr brown and mrs gray went") for s in corpus_of(text).training)


def test_a_text_without_sentences_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match=r"corpus.*too few whole sentences"):
        corpus_of("one two three")


def test_prompts_begin_with_the_end_token_and_have_one_length() -> None:
    corpus = austen()
    tokenizer = Tokenizer.train(corpus.validation, 400)
    prompts = corpus.prompts(tokenizer, validation=True)
    assert all(len(p) == 1 + PROMPT_TOKENS and p[0] == tokenizer.end for p in prompts)
    text = tokenizer.decode(prompts[0])
    assert any(sentence.startswith(text) for sentence in corpus.validation)


@pytest.mark.parametrize("text", ["she was happy.", "ünïcödé ☃ 漢字", "a  b\tc\n", "x <eos-not> y"])
def test_any_text_comes_back_as_it_was(text: str) -> None:
    tokenizer = Tokenizer.train(["she was very happy indeed."] * 9, 300)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.end not in tokenizer.encode(text)


def test_a_saved_tokenizer_is_the_same_again(tmp_path) -> None:  # type: ignore[no-untyped-def]
    tokenizer = Tokenizer.train(["she was very happy indeed."] * 9, 300)
    tokenizer.save(tmp_path / "t.json")
    again = Tokenizer.load(tmp_path / "t.json")
    assert again.encode("happy she") == tokenizer.encode("happy she")
    assert (again.end, again.vocabulary) == (tokenizer.end, tokenizer.vocabulary)
    assert tokenizer.pieces([*tokenizer.encode("very"), tokenizer.end])[-1] == END

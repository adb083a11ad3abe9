import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.language.tokens import TokenBatch


def test_a_batch_lists_the_real_tokens_and_where_they_stand() -> None:
    batch = TokenBatch.from_sequences([[5, 6, 7], [8], [9, 4]])
    assert batch.tokens.tolist() == [5, 6, 7, 8, 9, 4]
    assert batch.positions.tolist() == [0, 1, 2, 0, 0, 1]
    assert batch.lengths.tolist() == [3, 1, 2]
    assert batch.last.tolist() == [2, 3, 5]
    assert (batch.width, len(batch)) == (3, 3)


def test_padding_is_dropped_and_columns_that_nobody_uses_with_it() -> None:
    padded = torch.tensor([[5, 6, 0, 0], [8, 0, 0, 0]])
    batch = TokenBatch.from_padded(padded, torch.tensor([2, 1]))
    assert batch.tokens.tolist() == [5, 6, 8]
    assert batch.width == 2


def test_a_full_batch_needs_no_cells() -> None:
    assert TokenBatch.from_sequences([[1, 2], [3, 4]]).cells is None
    assert TokenBatch.from_sequences([[1, 2], [3]]).cells is not None


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_spreading_and_gathering_undo_each_other(lengths: list[int]) -> None:
    batch = TokenBatch.from_sequences([[1] * length for length in lengths])
    values = torch.arange(1.0, 1 + 2 * len(batch.tokens)).view(-1, 2)
    padded = batch.spread(values)
    assert padded.shape == (len(lengths), max(lengths), 2)
    assert torch.equal(batch.gather(padded), values)
    for row, length in enumerate(lengths):
        assert not padded[row, length:].any()
        assert padded[row, :length].all()

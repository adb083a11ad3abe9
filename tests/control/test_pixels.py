from __future__ import annotations

import numpy as np
import pytest

from ppolab.control.pixels import AreaResize


def means_of_blocks(image: np.ndarray, size: int) -> np.ndarray:
    """Every pixel repeated until the new ones are whole blocks of them: slow and plain."""
    height, width = image.shape
    wide = image.astype(float).repeat(size, 0).repeat(size, 1)
    return wide.reshape(size, height, size, width).mean((1, 3))


@pytest.mark.parametrize(("height", "width", "size"), [(35, 40, 14), (7, 5, 3), (6, 4, 2)])
def test_each_new_pixel_is_the_mean_of_the_area_it_covers(
    height: int, width: int, size: int
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (height, width, 2), dtype=np.uint8)
    scaled = AreaResize(height, width, size)(image)
    assert (scaled.shape, scaled.dtype) == ((size, size, 2), np.uint8)
    for colour in range(2):
        expected = means_of_blocks(image[..., colour], size)
        assert np.abs(scaled[..., colour] - expected).max() <= 0.5 + 1e-3  # rounded, not cut off


def test_a_size_that_does_not_divide_shares_pixels_out() -> None:
    image = np.array([[0, 100, 200], [0, 100, 200], [0, 100, 200]], np.uint8)[..., None]
    # Of 1.5 columns each: (0 + 100 / 2) / 1.5 = 33.3 and (100 / 2 + 200) / 1.5 = 166.7.
    assert AreaResize(3, 3, 2)(image)[..., 0].tolist() == [[33, 167], [33, 167]]

"""Lays one patch over another at every shift, and measures how alike they are where they overlap.

The normalised cross-correlation of all shifts at once, with sums over the overlap alone, by fast
Fourier transforms (Padfield 2012, IEEE Transactions on Image Processing 21:2706).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

#: The largest shift, in parts of the patch.
_FARTHEST = 3 / 8
#: What passes as no contrast in an overlap: a variance of intensity.
_FLAT = 1e-5


def overlap_correlation(first: Floats, second: Floats) -> Floats:
    """Return how alike pairs of images are at their best shift, ``(n,)``.

    Args:
        first: Images, ``(n, *cells)``.
        second: As many others.

    Returns:
        Fisher's z of the correlation in the overlap, times the root of the overlap's share, which
        is how surely it is no chance.
    """
    from scipy import fft

    cells = first.shape[1:]
    axes = tuple(range(1, first.ndim))
    farthest = tuple(int(n * _FARTHEST) for n in cells)
    length = [n + most for n, most in zip(cells, farthest, strict=True)]
    kept = np.ix_(*(np.arange(-most, most + 1) for most in farthest))

    def frequencies(values: Floats) -> npt.NDArray[np.complex64]:
        found: npt.NDArray[np.complex64] = fft.rfftn(values, s=length, axes=axes)
        return found

    def mean(left: npt.NDArray[np.complex64], right: npt.NDArray[np.complex64]) -> Floats:
        sums = fft.irfftn(np.conj(left) * right, s=length, axes=axes)
        found: Floats = sums[(slice(None), *kept)] / number
        return found

    one = frequencies(np.ones((1, *cells), np.float32))
    number: npt.NDArray[np.float32] = np.ones((), np.float32)
    number = np.maximum(1, mean(one, one))
    first, second = (part - part.mean(axis=axes, keepdims=True) for part in (first, second))
    a, b = frequencies(first), frequencies(second)
    mean_a, mean_b = mean(a, one), mean(one, b)
    spread_a = mean(frequencies(first**2), one) - mean_a**2
    spread_b = mean(one, frequencies(second**2)) - mean_b**2
    spread = np.sqrt(np.maximum(spread_a, _FLAT) * np.maximum(spread_b, _FLAT))
    correlation = (mean(a, b) - mean_a * mean_b) / spread
    z = np.arctanh(np.clip(correlation, -0.999, 0.999)) * np.sqrt(number / np.prod(cells))
    best: Floats = z.reshape(len(z), -1).max(axis=1)
    return best

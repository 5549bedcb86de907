"""The median of many pixels. NumPy's own looks for NaN, which takes ten times as long as the rest."""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray) -> float:
    """Of (n,) values without NaN, n > 0: what `np.median` gives, to the last bit."""
    half = values.size // 2
    parted = np.partition(values, half)
    if values.size % 2:
        return float(parted[half])
    return float((parted[half] + parted[:half].max()) / values.dtype.type(2))

"""The middle and other shares of many pixels. NumPy's own look for NaN first, which takes longer."""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray) -> float:
    """Of (n,) floats without NaN, n > 0: what `np.median` gives, to the last bit."""
    half = values.size // 2
    parted = np.partition(values, half)
    if values.size % 2:
        return float(parted[half])
    return float((parted[half] + parted[:half].max()) / values.dtype.type(2))


def percentile(values: np.ndarray, percent: float) -> float:
    """Of (n,) numbers without NaN, n > 0: the value that `percent` of them lie below, between two where it falls so.

    What `np.percentile` gives, but for the last bits of float32."""
    at = percent / 100 * (values.size - 1)
    low = int(at)
    parted = np.partition(values, low)
    value = float(parted[low])
    return value if low == at else value + (at - low) * (float(parted[low + 1 :].min()) - value)

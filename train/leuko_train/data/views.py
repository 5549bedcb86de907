"""Views of many crops at once, drawn by as many threads as there are cores: changed ones by their seeds, or plain."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .augment import Strength, Window, random_view, warp


def cores() -> int:
    """That this process may use: several runs may share a machine, a core each."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _collect(make: Callable[[int], np.ndarray], count: int, window: Window) -> np.ndarray:
    rgb = np.empty((count, window.size, window.size, 3), np.uint8)
    with ThreadPoolExecutor(cores()) as pool:
        for i, view in enumerate(pool.map(make, range(count))):
            rgb[i] = view
    return rgb


def seeds_for(rng: np.random.Generator, count: int) -> np.ndarray:
    """One a view: the same views whoever draws them."""
    return rng.integers(2**63, size=count)


def seeded_views(
    crops: np.ndarray,
    chosen: np.ndarray,
    seeds: np.ndarray,
    strength: Strength,
    window: Window,
    outlines: np.ndarray | None = None,
) -> np.ndarray:
    """A view of each of `crops[chosen]` by its seed: (len(chosen), size, size, 3) uint8. `outlines`: of all crops."""

    def make(i: int) -> np.ndarray:
        outline = None if outlines is None else outlines[chosen[i]]
        return random_view(crops[chosen[i]], np.random.default_rng(seeds[i]), strength, window, outline)

    return _collect(make, len(chosen), window)


def identity_view(crops: np.ndarray, window: Window | None = None, chosen: np.ndarray | None = None) -> np.ndarray:
    """The plain view of each crop (or of `crops[chosen]`), as the device cuts it: (n, size, size, 3) uint8."""
    window = window or Window()
    rows = np.arange(len(crops)) if chosen is None else chosen
    return _collect(lambda i: warp(crops[rows[i]], window), len(rows), window)

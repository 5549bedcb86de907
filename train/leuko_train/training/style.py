"""Styles of two laboratories mixed within a class, in the features that the trunk gives.

MixStyle (Zhou et al. 2021, arXiv 2104.02008): each channel's mean and spread over the picture are the picture's style,
stain and optics; what is left is what stands where. A cell is trained under a style between its own and that of a cell
of the same class from another laboratory, so that a class cannot be told by one laboratory's style.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALPHA = 0.3
"""Of the Beta distribution of the partner's share; the paper tried 0.1 to 0.3."""
TINY = 1e-3
"""Added to a spread: channels that a picture leaves dark have none."""


@dataclass(frozen=True)
class Partners:
    """For each view another one (its own index where it keeps its style), and the share of that one's style."""

    views: np.ndarray
    shares: np.ndarray


def drawn(labels: np.ndarray, labs: np.ndarray, probability: float, rng: np.random.Generator) -> Partners:
    """Partners of the views of cells with `labels` and `labs` (n,): same class, another laboratory.

    A class that one laboratory alone shows keeps its style, for it can be given no other's.
    """
    count = len(labels)
    partners = np.arange(count)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        for lab in np.unique(labs[own]):
            mine, others = own[labs[own] == lab], own[labs[own] != lab]
            if len(others):
                partners[mine] = rng.choice(others, len(mine))
    keep = rng.random(count) >= probability
    partners[keep] = np.flatnonzero(keep)
    return Partners(partners, rng.beta(ALPHA, ALPHA, count).astype(np.float32))


def mixed(features: np.ndarray, partners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """`features` (n, h, w, c) float32 under styles mixed with those of `partners`, of the same shape."""
    mean, spread = _style(features)
    other_mean, other_spread = _style(partners)
    share = shares[:, None, None, None]
    wanted_mean = mean + share * (other_mean - mean)
    wanted_spread = spread + share * (other_spread - spread)
    return np.asarray((features - mean) * (wanted_spread / spread) + wanted_mean, np.float32)


def _style(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = features.mean((1, 2), keepdims=True)
    return mean, features.std((1, 2), keepdims=True) + np.float32(TINY)

"""Doubt about a cell, and about a laboratory: how far from what the network was taught, and when to say so."""

from __future__ import annotations

import numpy as np


def distances(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n,) from each row of `features` (n, k) to the nearest of `centres` (m, k), Euclidean.

    The model's features are whitened by the spread within its classes, so that this is Mahalanobis' distance with one
    covariance for all classes (Lee et al. 2018, arXiv 1807.03888).
    """
    apart = features[:, None, :].astype(np.float64) - np.asarray(centres, np.float64)[None]
    nearest: np.ndarray = np.sqrt((apart**2).sum(axis=2)).min(axis=1)
    return nearest

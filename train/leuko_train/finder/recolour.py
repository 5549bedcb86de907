"""Other laboratories' stains, made from a picture's own: red cells and nuclei each get another density."""

from __future__ import annotations

import numpy as np

OWN, DRAWN = 0.3, 0.35  # of the views: nearly as they are; quite another stain. The rest lies between the two
JITTER = 0.12  # of a stain's density in each channel, in logarithms


def recoloured(
    rng: np.random.Generator, density: np.ndarray, red: np.ndarray, nucleus: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(h, w, 3) density in R, G, B in other stains, and what `red` (3,) becomes.

    Each pixel is taken for so much of the red cells' stain and so much of the nuclei's (least squares); these change,
    what neither explains stays.
    """
    share = rng.random()
    far = 0.0 if share < OWN else 1.0 if share < OWN + DRAWN else rng.random()
    new_red, new_nucleus = _stains(rng)
    new_red = red * (1 - far) + new_red * far
    new_nucleus = nucleus * (1 - far) + new_nucleus * far
    new_red *= np.exp(rng.normal(0, JITTER, 3))
    new_nucleus *= np.exp(rng.normal(0, JITTER, 3))
    stains = np.stack([red, nucleus], axis=1)
    # A little of the identity keeps two stains of one hue from being told apart by their noise.
    unmix = np.linalg.solve(stains.T @ stains + 0.002 * np.eye(2), stains.T)
    amounts = np.maximum(density.reshape(-1, 3) @ unmix.T, 0)
    changed = density.reshape(-1, 3) + amounts @ np.stack([new_red - red, new_nucleus - nucleus])
    return np.maximum(changed, -0.05).reshape(density.shape).astype(np.float32), new_red.astype(np.float32)


def _stains(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Densities of red cells and of nuclei in R, G, B: any that a smear was seen with, and somewhat beyond.

    Red cells absorb green, blue as much or hardly, red little; nuclei absorb red more than red cells do, green often no
    more than these.
    """
    green = float(np.exp(rng.uniform(np.log(0.05), np.log(0.6))))
    red = np.array([green * rng.uniform(0.0, 0.7), green, green * rng.uniform(0.2, 1.6)])
    more = np.exp(rng.uniform(np.log(0.12), np.log(0.8)))
    nuclear_red = red[0] * rng.uniform(1.0, 2.0) + more
    nuclear_green = max(green * np.exp(rng.uniform(np.log(0.85), np.log(4.0))), nuclear_red * rng.uniform(0.5, 1.6))
    nuclear_blue = nuclear_green * rng.uniform(0.15, 0.9)
    return red, np.minimum(np.array([nuclear_red, nuclear_green, nuclear_blue]), 1.4)

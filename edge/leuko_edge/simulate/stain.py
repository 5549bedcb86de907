"""A Romanowsky stain as amounts of dye per pixel, and the light that they take away.

Drawing functions return amounts (h, w, 5), one plane a dye in the order of `DYES`; a `Stain` turns them into optical
density (h, w, 3) in OpenCV's order blue, green, red. Densities add where cells overlap (Beer and Lambert), and
`transmit` gives the share of light that is left. Densities are those of a camera's 8-bit values, not of linear light:
the numbers below were chosen to look like published smears, where nuclei measured about 0.2, 0.9 and 0.5 (B, G, R) and
red cells about 0.1, 0.15 and 0.08.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DYES = ("chromatin", "azure", "blue", "eosin", "haemoglobin")
"""Azure B and eosin on DNA; azure B on granules; methylene blue on RNA; eosin on granules; eosin on haemoglobin."""

Density = tuple[float, float, float]


@dataclass(frozen=True)
class Stain:
    """Optical density (blue, green, red) of one unit of each dye. A unit is the dye's usual full strength in a cell."""

    chromatin: Density = (0.24, 0.88, 0.59)
    azure: Density = (0.22, 0.72, 0.30)
    blue: Density = (0.11, 0.46, 0.74)
    eosin: Density = (0.52, 0.43, 0.06)
    haemoglobin: Density = (0.125, 0.155, 0.085)

    def density(self, amounts: np.ndarray) -> np.ndarray:
        """Optical density (h, w, 3) float32, blue, green, red, of dye amounts (h, w, 5)."""
        return np.asarray(amounts, np.float32) @ np.array([getattr(self, dye) for dye in DYES], np.float32)

    def varied(self, rng: np.random.Generator, spread: float = 0.12) -> Stain:
        """Another day's staining: each dye's strength and hue moved by about `spread` (a relative s.d.)."""
        strength = np.exp(rng.normal(0.0, spread, len(DYES)))
        hue = np.exp(rng.normal(0.0, spread / 2, (len(DYES), 3)))
        dyes: dict[str, Density] = {}
        for dye, s, by in zip(DYES, strength, hue, strict=True):
            blue, green, red = (float(v) for v in np.array(getattr(self, dye)) * s * by)
            dyes[dye] = (blue, green, red)
        return Stain(**dyes)


def transmit(density: np.ndarray) -> np.ndarray:
    """The share of light (h, w, 3) that passes an optical density: 10 to the power of minus the density."""
    return np.power(np.float32(10.0), -density, dtype=np.float32)

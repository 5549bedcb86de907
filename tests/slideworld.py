"""A drawn piece of slide and a camera over it, for the tests of registration: frames at places known to a fraction."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from leuko_edge.simulate import Camera, draw_field

WIDTH, HEIGHT = 640, 480  # px of a frame; 0.2 µm each, so that it shows what 1280 × 960 do under a 100× objective
IDEAL = Camera(vignette=0, tilt=(0, 0), shot_noise=0, read_noise=0, chroma_um=0)


@cache
def slide(seed: int = 1) -> np.ndarray:
    """(1950, 2600) float32, the green light of a drawn smear, laid of smaller fields because they are sooner drawn."""
    rng = np.random.default_rng(seed)
    fields = [
        draw_field(rng, width=650, height=650, um_per_px=0.2, camera=IDEAL, cells=["neutrophil"]).bgr[:, :, 1]
        for _ in range(12)
    ]
    return np.concatenate([np.concatenate(fields[n : n + 4], axis=1) for n in (0, 4, 8)]).astype(np.float32)


class Eyepiece:
    """A camera with noise, a vignette and, where asked, dust on its sensor."""

    def __init__(self, light: np.ndarray, noise: float = 2.0, vignette: float = 0.3, dust: int = 0) -> None:
        self.light, self.noise = light, noise
        self._rng = np.random.default_rng(0)
        y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        self.lamp = (1 - vignette * (x * x + y * y) / 2) * (1 + 0.05 * x)
        for _ in range(dust):
            u, v = self._rng.uniform(-0.95, 0.95, 2)
            self.lamp *= 1 - 0.4 * np.exp(-((x - u) ** 2 + (0.75 * (y - v)) ** 2) / 0.0006)

    def at(self, x: float, y: float) -> np.ndarray:
        """The frame bgr whose upper left corner lies at x, y of the slide."""
        place = np.array([[1, 0, -x], [0, 1, -y]], np.float64)
        seen = cv2.warpAffine(self.light, place, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderValue=225)
        seen = seen * self.lamp + self._rng.normal(0, self.noise, seen.shape)
        return cv2.merge([np.clip(np.rint(seen), 0, 255).astype(np.uint8)] * 3)

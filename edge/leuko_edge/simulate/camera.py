"""Microscope and camera: lamp, lens, sensor. From transmitted light to the 8-bit picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class Camera:
    """What stands between a slide and its picture. Lengths are µm on the slide, levels are 0 to 255."""

    white: tuple[float, float, float] = (222.0, 231.0, 238.0)  # blue, green, red of the empty background
    blur_um: float = 0.11  # s.d. of the point spread in focus: about 0.21 wavelengths / NA (550 nm, NA 1.1)
    chroma_um: float = 0.05  # how far red and blue are displaced, outwards and inwards, at the picture's corner
    vignette: float = 0.10  # share of light lost in the corners
    tilt: tuple[float, float] = (0.04, -0.03)  # lamp off axis: change of light across the width and the height
    shot_noise: float = 1.2  # s.d. at white, levels; falls with the root of the light
    read_noise: float = 0.7  # s.d., levels, everywhere
    jpeg_quality: int | None = None  # 1 to 100; None leaves the picture uncompressed

    def varied(self, rng: np.random.Generator) -> Camera:
        """Another microscope: its cast, lamp, focus and noise drawn at random within what laboratories show."""
        blue, green, red = np.clip(np.array(self.white) * np.exp(rng.normal(0.0, 0.06, 3)), 150.0, 250.0)
        return replace(
            self,
            white=(float(blue), float(green), float(red)),
            blur_um=float(self.blur_um * np.exp(abs(rng.normal(0.0, 0.45)))),
            vignette=float(rng.uniform(0.0, 0.25)),
            tilt=(float(rng.normal(0.0, 0.06)), float(rng.normal(0.0, 0.06))),
            shot_noise=float(rng.uniform(0.5, 3.0)),
            jpeg_quality=int(rng.integers(75, 98)) if rng.random() < 0.6 else None,
        )

    def expose(self, rng: np.random.Generator, light: np.ndarray, um_per_px: float) -> np.ndarray:
        """The picture bgr (h, w, 3) uint8 of transmitted light (h, w, 3), 1 where the slide is empty."""
        h, w = light.shape[:2]
        seen = np.empty((h, w, 3), np.float32)
        sigma = max(self.blur_um / um_per_px, 0.05)
        for channel, (spread, shift) in enumerate(((1.12, -1.0), (1.0, 0.0), (1.06, 1.0))):
            plane = cv2.GaussianBlur(np.ascontiguousarray(light[..., channel]), (0, 0), sigma * spread)
            seen[..., channel] = _magnified(plane, 1.0 + shift * self.chroma_um / um_per_px / (np.hypot(w, h) / 2))
        seen *= self.illumination(h, w)[..., None] * np.array(self.white, np.float32)
        noise = rng.standard_normal((h, w, 3), np.float32)
        noise *= np.sqrt(self.shot_noise**2 * np.clip(seen, 0, None) / 255.0 + self.read_noise**2)
        bgr = np.clip(np.rint(seen + noise), 0, 255).astype(np.uint8)
        return bgr if self.jpeg_quality is None else compressed(bgr, self.jpeg_quality)

    def illumination(self, h: int, w: int) -> np.ndarray:
        """The lamp's share (h, w) float32 of full light: 1 in the middle, less towards the corners and by the tilt."""
        y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
        fall = 1 - np.float32(self.vignette) * (x * x + y * y) / 2
        slope = 1 + np.float32(self.tilt[0] / 2) * x + np.float32(self.tilt[1] / 2) * y
        return fall * slope


def compressed(bgr: np.ndarray, jpeg_quality: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 BGR after it was stored as JPEG of a quality of 1 to 100."""
    _, file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))


def _magnified(plane: np.ndarray, by: float) -> np.ndarray:
    """A plane (h, w) stretched about its middle by a factor close to 1."""
    if by == 1.0:
        return plane
    h, w = plane.shape
    about = np.array([[by, 0, (1 - by) * (w - 1) / 2], [0, by, (1 - by) * (h - 1) / 2]], np.float32)
    return cv2.warpAffine(plane, about, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

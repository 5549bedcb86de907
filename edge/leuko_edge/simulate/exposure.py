"""A camera's exposure of a piece of smear, thrifty enough for thousands of frames: blur, lamp, noise."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np

from .camera import Camera, compressed
from .smear import LEVELS

MIN_BLUR_PX = 0.35  # a s.d. below this cannot be seen beside the lens's own
NORMAL = np.array([NormalDist().inv_cdf((n + 0.5) / 256) for n in range(256)], np.float32)
"""A random byte's value of a normal distribution. Drawn anew for every frame: were two frames to share their noise,
shifted, then a registration would find that shift instead of the slide's."""


class Exposure:
    """`camera` with the noise of its sensor times `noise`, taking pictures of `view` (width, height) px.

    What `Camera.expose` does, but for the point spread, which the smear's tiles have already.
    """

    def __init__(self, camera: Camera, view: tuple[int, int], um_per_px: float, noise: float) -> None:
        self._view, self._camera = view, camera
        width, height = view
        lamp = camera.illumination(height, width)
        self._gain = [lamp * np.float32(white / LEVELS) for white in camera.white]
        level = np.arange(256, dtype=np.float32)
        noise /= float(NORMAL.std())
        self._spread = [  # s.d. of the noise by level, (256,) a channel
            np.float32(noise) * np.sqrt(camera.shot_noise**2 * level * white / LEVELS / 255 + camera.read_noise**2)
            for white in camera.white
        ]
        shift = camera.chroma_um / um_per_px / (np.hypot(width, height) / 2)
        self._magnified = (1 - shift, 1.0, 1 + shift)

    def margin(self, motion: tuple[float, float], blur_px: float) -> int:
        """How many px beyond the view `take` needs on every side of its piece."""
        return int(np.ceil(3 * blur_px + max(abs(motion[0]), abs(motion[1])))) + 3

    def take(
        self,
        piece: np.ndarray,
        offset: tuple[float, float],
        motion: tuple[float, float],
        blur_px: float,
        lamp: float,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """The picture (h, w, 3) uint8 BGR of light (3, …, …) uint8 as `Smear.piece` gives it.

        `offset`: where in the piece the view's upper left corner lies; `motion`: px that the slide moved while the
        shutter was open, around that place; `blur_px`: s.d. of the defocus; `lamp`: share of its usual light.
        """
        planes = []
        for channel in range(3):
            plane, at = smeared(piece[channel], motion)
            if blur_px >= MIN_BLUR_PX:
                plane = cv2.GaussianBlur(plane, (0, 0), blur_px)
            plane = self._cut(plane, (offset[0] - at[0], offset[1] - at[1]), self._magnified[channel])
            planes.append(self._sensed(plane, channel, lamp, rng))
        bgr = cv2.merge(planes)
        return bgr if self._camera.jpeg_quality is None else compressed(bgr, self._camera.jpeg_quality)

    def _cut(self, plane: np.ndarray, offset: tuple[float, float], magnified: float) -> np.ndarray:
        """The view at a fraction of a pixel, stretched about its middle."""
        width, height = self._view
        shrunk = 1 / magnified
        x = offset[0] + (1 - shrunk) * (width - 1) / 2
        y = offset[1] + (1 - shrunk) * (height - 1) / 2
        read = np.array([[shrunk, 0, x], [0, shrunk, y]], np.float64)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(plane, read, self._view, flags=how, borderMode=cv2.BORDER_REPLICATE))

    def _sensed(self, plane: np.ndarray, channel: int, lamp: float, rng: np.random.Generator) -> np.ndarray:
        width, height = self._view
        noise = cv2.LUT(np.frombuffer(rng.bytes(width * height), np.uint8).reshape(height, width), NORMAL)
        noise = cv2.multiply(cv2.LUT(plane, self._spread[channel]), noise)
        seen = cv2.multiply(plane, self._gain[channel], scale=lamp, dtype=cv2.CV_32F)
        return np.asarray(cv2.add(seen, noise, dtype=cv2.CV_8U))


def smeared(plane: np.ndarray, motion: tuple[float, float]) -> tuple[np.ndarray, tuple[float, float]]:
    """A plane (h, w) uint8 averaged along `motion` (x, y px), and the x, y in it of what was at 0, 0 and at rest.

    Copies at equal steps, twice as many with each turn: a blur of 50 px takes five sums. It gets smaller by `motion`.
    """
    length = max(abs(motion[0]), abs(motion[1]))
    turns = int(np.ceil(np.log2(length + 1))) if length >= 0.5 else 0
    across = down = 0
    for turn in range(turns):
        share = 2.0**turn / 2**turns
        dx, dy = round(motion[0] * share), round(motion[1] * share)
        across, down = across + abs(dx), down + abs(dy)
        h, w = plane.shape[0] - abs(dy), plane.shape[1] - abs(dx)
        one = plane[max(0, -dy) :, max(0, -dx) :][:h, :w]
        other = plane[max(0, dy) :, max(0, dx) :][:h, :w]
        plane = cv2.addWeighted(one, 0.5, other, 0.5, 0.0)
    return plane, (across / 2, down / 2)

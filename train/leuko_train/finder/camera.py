"""What cameras and screens do to a view: uneven light, stripes, blur, noise, compression, things drawn on it."""

from __future__ import annotations

import cv2
import numpy as np

from leuko_edge.vision.finder_input import WHITE

GAIN = 0.25  # of all density, in logarithms: exposure and thickness
UNEVEN, STRIPES = 0.06, 0.05  # density, at most
BLUR_PX, NOISE = 1.3, 9.0  # input pixels; grey values
OVERLAYS = 0.12  # of the views
INKS = ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (80, 80, 80), (30, 30, 120))


def photographed(rng: np.random.Generator, density: np.ndarray, red: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((h, w, 3) uint8 RGB, background about `WHITE`; what `red` (3,) is measured as) of density in R, G, B."""
    gain = float(np.exp(rng.normal(0, GAIN)))
    red = red * gain
    density = density * gain + _uneven(rng, density.shape[:2])
    if rng.random() < 0.6:
        density = cv2.GaussianBlur(density, (0, 0), rng.uniform(0.2, BLUR_PX))
    if rng.random() < 0.15:  # a camera's own sharpening
        density = density + rng.uniform(0.2, 1.0) * (density - cv2.GaussianBlur(density, (0, 0), 1.2))
    if rng.random() < 0.3:  # colours bleed where a picture is stored with half of their resolution
        grey = density.mean(axis=2, keepdims=True)
        density = grey + cv2.GaussianBlur(density - grey, (0, 0), rng.uniform(0.5, 1.5))
    light = WHITE * 10.0**-density
    if rng.random() < 0.6:
        noise = rng.normal(0, rng.uniform(0, NOISE), density.shape)
        light = light + (cv2.GaussianBlur(noise, (0, 0), 0.7) * 1.7 if rng.random() < 0.5 else noise)
    rgb = np.clip(light, 0, 255).round().astype(np.uint8)
    if rng.random() < OVERLAYS:
        _draw_over(rng, rgb)
    if rng.random() < 0.3:
        quality = int(rng.integers(25, 90))
        rgb = cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return rgb, np.maximum(red * np.exp(rng.normal(0, 0.15, 3)) * np.exp(rng.normal(0, 0.15)), 0.0).astype(np.float32)


def _uneven(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) density: what is left of the lamp's, and stripes of a scanner or a bad sensor."""
    height, width = shape
    field = np.zeros((height, width, 3), np.float32)
    if rng.random() < 0.5:
        coarse = rng.normal(0, UNEVEN / 2, (4, 4, 3)).astype(np.float32)
        field += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.12:
        angle, period = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]), rng.uniform(3, 30)
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform(0, 6))
        field += (wave[:, :, None] * rng.uniform(0, STRIPES) * rng.uniform(0.5, 1, 3)).astype(np.float32)
    if rng.random() < 0.3:  # a background that the white reference took too bright or too dark
        field += rng.normal(0, 0.02, 3).astype(np.float32)
    return field


def _draw_over(rng: np.random.Generator, rgb: np.ndarray) -> None:
    """A scale bar with its figures, a box, or a line of a ruler."""
    height, width = rgb.shape[:2]
    ink = INKS[int(rng.integers(len(INKS)))]
    x, y = (int(v) for v in rng.integers(0, width, 2))
    kind = int(rng.integers(4))
    if kind == 0:
        cv2.rectangle(rgb, (x, y), (x + int(rng.integers(10, 60)), y + int(rng.integers(1, 9))), ink, -1)
    elif kind == 1:
        size, thick = rng.uniform(0.3, 1.2), int(rng.integers(1, 4))
        text = f"{int(rng.integers(1, 100))} um"
        cv2.putText(rgb, text, (x - 20, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, thick, cv2.LINE_AA)
    elif kind == 2:
        cv2.rectangle(rgb, (x - 15, y - 15), (x + 15, y + 12), ink, int(rng.integers(1, 3)))
    elif rng.random() < 0.5:
        cv2.line(rgb, (x, 0), (x, height), ink, int(rng.integers(1, 4)))
    else:
        cv2.rectangle(rgb, (0, y), (width, height), ink, -1)

"""Views of a cell as other laboratories might have photographed it.

Geometry is one affine warp of the stored crop (52 µm) to the network's window; colour is changed where stains
act, in optical density; then come the camera's faults. Arrays are RGB, uint8 outside; the empty background is
`leuko_edge.vision.crop.WHITE`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from leuko_edge.vision.crop import WHITE

CROP_UM_PER_PX = 0.25
"""Of the crops in a `CellSet`."""
DENSITY = -np.log10((np.arange(256, dtype=np.float32) + 1) / (WHITE + 1))
"""Optical density of each grey value: 0 for the background, 2.4 for black, a little below 0 for what is brighter."""
STAINS = np.array([[0.59, 0.75, 0.29], [0.24, 0.77, 0.59]])
"""Directions of optical density (R, G, B; length 1) towards which more azure B and more eosin Y pull a colour: azure
absorbs orange and red too, eosin green and some blue. Chosen by eye, wider apart than the colours of real cells."""
ANTI_ALIAS = 0.45
"""Gaussian sigma in pixels of the view, less what the crop's own pixels have: of 0.30–0.50 the one whose views
came nearest in sharpness (0.95–1.06 of the gradient energy) to what the device cuts from the picture itself."""


_BASIS = np.column_stack([*STAINS, np.cross(*STAINS)])  # (3, 3): the two stains, and what neither explains
_UNMIX = np.linalg.inv(_BASIS)


@dataclass(frozen=True)
class Window:
    """What the network sees: `um` micrometres square, resampled to `size` pixels."""

    um: float = 24.0
    size: int = 64


@dataclass(frozen=True)
class Strength:
    """How far views may differ from their crop. Log-uniform ranges are (low, high); sd is a Gaussian's."""

    amplitude: tuple[float, float] = (1.0, 1.0)  # uniform, each view: of what follows on stain and density
    scale: tuple[float, float] = (0.8, 1.25)  # log-uniform; the measured µm per pixel errs
    shift_um: float = 1.5  # uniform, each axis
    stain_balance: float = 0.2  # sd of the logarithm of each stain's amount: more eosin, less azure
    stain_off_diagonal: float = 0.1  # sd of the density mixing matrix: other dyes, other camera filters
    stain_diagonal: float = 0.2  # sd of its diagonal's logarithm
    grey: float = 0.0  # probability of a duller picture
    grey_share: float = 0.8  # highest: of each channel's density that gives way to the mean of the three
    density_gain: tuple[float, float] = (0.55, 1.8)  # log-uniform; thin or strong stain
    density_gamma: tuple[float, float] = (0.8, 1.25)  # log-uniform; cameras bend their contrast
    background: float = 0.03  # highest residual density of the background, each channel
    white_balance: float = 0.06  # uniform ±, each channel
    tilt: float = 0.08  # highest change of brightness between middle and edge
    blur: float = 0.4  # probability
    blur_um: float = 0.35  # highest sigma
    sharpen: float = 0.25  # probability
    sharpen_amount: float = 1.0  # highest
    noise: float = 6.0  # highest sd, grey values
    jpeg: float = 0.4  # probability
    jpeg_quality: tuple[int, int] = (40, 95)
    blank: float = 0.0  # probability that what lies round the cell's outline is left out
    blank_margin_um: tuple[float, float] = (0.3, 1.5)  # kept beyond the outline
    cut: float = 0.0  # probability that the picture ends round the cell, as those of single cells do
    cut_um: tuple[float, float] = (5.5, 11.0)  # from the view's middle to the picture's edges, about
    cut_sides_um: float = 1.0  # uniform ±, each side


_NO_DENSITY: dict[str, Any] = {"density_gain": (1.0, 1.0), "density_gamma": (1.0, 1.0)}
_NO_STAIN: dict[str, Any] = {"stain_balance": 0.0, "stain_off_diagonal": 0.0, "stain_diagonal": 0.0, **_NO_DENSITY}
_NO_OPTICS: dict[str, Any] = dict.fromkeys(
    ("background", "white_balance", "tilt", "blur", "sharpen", "noise", "jpeg"), 0.0
)
_WIDE: dict[str, Any] = {
    "stain_balance": 0.4,
    "stain_off_diagonal": 0.15,
    "stain_diagonal": 0.3,
    "density_gain": (0.4, 2.2),
    "cut": 0.2,
}
STRENGTHS = {
    "full": Strength(),
    "wide": Strength(**_WIDE),
    "wide-grey": Strength(**_WIDE, grey=0.3),
    "mixed": Strength(**_WIDE, amplitude=(0.2, 1.0)),
    "mixed-blank": Strength(**_WIDE, amplitude=(0.2, 1.0), blank=0.2),
    "mild-blank": Strength(**_WIDE, amplitude=(0.05, 0.4), blank=0.2),
    "strong-blank": Strength(**_WIDE, amplitude=(0.4, 1.4), blank=0.2),
    "no-density": Strength(**_NO_DENSITY),
    "no-stain": Strength(**_NO_STAIN),
    "no-optics": Strength(**_NO_OPTICS),
    "geometry": Strength(**_NO_STAIN, **_NO_OPTICS),
}
"""By the name that a run's settings give: all of it, or less, to measure what each part is worth."""


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def warp(
    crop: np.ndarray,
    window: Window,
    angle: float = 0.0,
    flip: bool = False,
    scale: float = 1.0,
    shift_um: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """The window around the middle of `crop` (n, n, 3) as (size, size, 3): one warp, background outside.

    `angle` in radians; `scale` > 1 shows the cell larger. Before sampling more coarsely the crop is blurred, so
    that nothing aliases.
    """
    step = window.um / window.size / CROP_UM_PER_PX / scale  # crop pixels per pixel of the view
    middle = (crop.shape[0] - 1) / 2 + np.asarray(shift_um) / CROP_UM_PER_PX
    reach = math.ceil(step * window.size * math.sqrt(0.5)) + 4  # of what is seen, however it is turned
    left, top = (max(0, math.floor(m) - reach) for m in middle)
    crop, middle = crop[top : top + 2 * reach + 2, left : left + 2 * reach + 2], middle - (left, top)
    if step > 1:
        crop = cv2.GaussianBlur(crop, (0, 0), ANTI_ALIAS * math.sqrt(step**2 - 1), borderType=cv2.BORDER_REPLICATE)
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    turn = np.array([[-cos if flip else cos, -sin], [-sin if flip else sin, cos]])
    matrix = np.column_stack([turn, middle - turn @ np.full(2, (window.size - 1) / 2)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(crop, matrix, (window.size, window.size), flags=flags, borderValue=(WHITE, WHITE, WHITE))


def restain(rgb: np.ndarray, rng: np.random.Generator, strength: Strength) -> np.ndarray:
    """Another stain and a background not quite white: uint8 in, float32 grey values out, about 0–255."""
    amplitude = rng.uniform(*strength.amplitude)
    mixing = rng.normal(0, amplitude * strength.stain_off_diagonal, (3, 3))
    np.fill_diagonal(mixing, np.exp(rng.normal(0, amplitude * strength.stain_diagonal, 3)))
    amounts = np.exp(rng.normal(0, amplitude * strength.stain_balance, 2))
    mixing = mixing @ _BASIS @ np.diag([*amounts, 1.0]) @ _UNMIX
    if rng.random() < strength.grey:
        share = rng.uniform(0, strength.grey_share)
        mixing = (np.full((3, 3), share / 3) + (1 - share) * np.eye(3)) @ mixing
    mixing *= _log_uniform(rng, strength.density_gain) ** amplitude
    gamma = _log_uniform(rng, strength.density_gamma) ** amplitude
    bent = np.sign(DENSITY) * np.abs(DENSITY) ** np.float32(gamma)
    density = bent[rgb] @ mixing.T.astype(np.float32)
    density += rng.uniform(0, strength.background, 3).astype(np.float32)
    return np.exp(np.float32(-math.log(10)) * density) * np.float32(WHITE + 1) - np.float32(1)


def relight(values: np.ndarray, rng: np.random.Generator, strength: Strength) -> np.ndarray:
    """White balance that errs, and light that falls off across the window; float32 (n, n, 3) in and out."""
    balance = 1 + rng.uniform(-strength.white_balance, strength.white_balance, 3)
    ramp = np.linspace(-1, 1, len(values))
    down, right = rng.uniform(-strength.tilt, strength.tilt, 2) / math.sqrt(2)
    light = 1 + down * ramp[:, None] + right * ramp[None, :]
    return values * (light[..., None] * balance).astype(np.float32)


def photograph(values: np.ndarray, rng: np.random.Generator, strength: Strength, um_per_px: float) -> np.ndarray:
    """Focus, the camera's sharpening, noise and JPEG: float32 grey values in, uint8 out."""
    if rng.random() < strength.blur:
        sigma = rng.uniform(0, strength.blur_um) / um_per_px
        if sigma > 0.1:  # narrower changes nothing
            values = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if rng.random() < strength.sharpen:
        soft = cv2.GaussianBlur(values, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
        values = values + np.float32(rng.uniform(0, strength.sharpen_amount)) * (values - soft)
    noise = rng.standard_normal(values.shape, dtype=np.float32)
    values = values + noise * np.float32(rng.uniform(0, strength.noise))
    rgb = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if rng.random() < strength.jpeg:
        quality = int(rng.integers(strength.jpeg_quality[0], strength.jpeg_quality[1] + 1))
        _, coded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        bgr = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        assert bgr is not None  # it was encoded a line above
        rgb = np.ascontiguousarray(bgr[..., ::-1])
    return rgb


def end(rgb: np.ndarray, rng: np.random.Generator, strength: Strength, um_per_px: float) -> np.ndarray:
    """White beyond the edges of a picture that was cut round the cell, as `leuko_edge.vision.crop` leaves it there."""
    if rng.random() >= strength.cut:
        return rgb
    reach = rng.uniform(*strength.cut_um) + rng.uniform(-strength.cut_sides_um, strength.cut_sides_um, 4)
    low, high = (np.rint((len(rgb) / 2 + sign * reach / um_per_px).clip(0, len(rgb))).astype(int) for sign in (-1, 1))
    (top, left), (bottom, right) = low[:2], high[2:]
    ended = np.full_like(rgb, WHITE)
    ended[top:bottom, left:right] = rgb[top:bottom, left:right]
    return ended


def blank(crop: np.ndarray, outline: np.ndarray, margin_um: float) -> np.ndarray:
    """`crop` (n, n, 3) with white round the cell: all of a laboratory's basophils may share one background."""
    size = 2 * round(margin_um / CROP_UM_PER_PX) + 1
    near = cv2.dilate(outline, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return np.where(near[..., None] > 0, crop, np.uint8(WHITE))


def random_view(
    crop: np.ndarray,
    rng: np.random.Generator,
    strength: Strength,
    window: Window,
    outline: np.ndarray | None = None,
) -> np.ndarray:
    """One view (size, size, 3) uint8 of `crop` (n, n, 3) uint8. `outline` (n, n // 8): eight pixels a byte, or none."""
    if strength.blank and rng.random() < strength.blank and outline is not None and outline.any():
        crop = blank(crop, np.unpackbits(outline, axis=1), rng.uniform(*strength.blank_margin_um))
    rgb = warp(
        crop,
        window,
        angle=rng.uniform(0, 2 * math.pi),
        flip=bool(rng.integers(2)),
        scale=_log_uniform(rng, strength.scale),
        shift_um=tuple(rng.uniform(-strength.shift_um, strength.shift_um, 2)),
    )
    values = relight(restain(rgb, rng, strength), rng, strength)
    um_per_px = window.um / window.size
    return end(photograph(values, rng, strength, um_per_px), rng, strength, um_per_px)

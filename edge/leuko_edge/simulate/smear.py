"""A whole simulated smear, too large to draw at once: drawn in tiles as they are looked at.

    smear = Smear(seed=1, cells={"neutrophil": 57, "lymphocyte": 30})
    smear.truth[0].label, smear.truth[0].centre     # known without drawing
    smear.piece(4000, 3000, 1280, 960)              # (3, 960, 1280) uint8, the light that comes through

Bodies, stain and sizes are those of `draw_field`; only where they lie is decided otherwise, so that tiles join without
a seam whatever the order in which they are drawn. Beyond its edges the smear goes on without leukocytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from .background import Background, draw_platelet, draw_red_cell
from .camera import Camera
from .cells import Patch, draw_cell
from .field import Slide
from .layout import Laid, Placed, Strewn, place_cells
from .stain import Stain

TILE = 1000  # px
LEVELS = 240.0
"""Value of `piece` where the slide is empty; a red cell's bright halo is a little above."""

RED_CELLS, PLATELETS = 64, 24  # drawn once each; every one is laid in eight orientations
FURTHEST_UM = 17.0  # half the largest patch that `draw_cell` gives
CLOUD_UM = 731  # after which the faint film of plasma repeats; no multiple of a tile
PLASMA = (0.8, 1.0, 0.9)  # its density in blue, green and red, relative
BILINEAR_PX2 = 1 / 6  # variance, px², that reading at a fraction of a pixel adds on average


class Smear:
    """`width` × `height` px of smear with `cells` of each label on it; the same seed gives the same pixels.

    `truth` lists every cell, `counts` how many there are of each label. Tiles are kept until they fill `memory_mb`.
    ValueError where so many cells do not fit, or a label is not one of `strewn.REACH_UM`.
    """

    def __init__(
        self,
        seed: int,
        cells: Mapping[str, int],
        *,
        width: int = 20_000,
        height: int = 12_000,
        um_per_px: float = 0.1,
        margin_um: float = 10.0,
        stain: Stain | None = None,
        background: Background | None = None,
        camera: Camera | None = None,
        memory_mb: int = 200,
    ) -> None:
        """`margin_um` of the rim stay free of cells; `camera` gives the sharpness of the lens (its other traits, cast
        and lamp, belong to whoever takes pictures of the smear)."""
        self.seed, self.width, self.height, self.um_per_px = seed, width, height, um_per_px
        self._stain, look = stain or Stain(), background or Background()
        rng = np.random.default_rng((seed, 2))
        self.truth: tuple[Placed, ...] = place_cells(rng, cells, (width, height), um_per_px, margin_um)
        self.counts: dict[str, int] = dict(Counter(cell.label for cell in self.truth))
        self._at = np.array([(*c.centre, c.reach) for c in self.truth]).reshape(-1, 3)

        widths = look.red_cell_um * (1 + look.red_cell_cv * rng.normal(size=RED_CELLS))
        self._red = [_turned(draw_red_cell(rng, float(w), um_per_px, self._stain, look)) for w in widths]
        self._platelets = [_turned(draw_platelet(rng, um_per_px, self._stain)) for _ in range(PLATELETS)]
        self._strewn = Strewn(seed, TILE * um_per_px, look, np.repeat(widths, 8), 8 * PLATELETS, self._at * um_per_px)
        self._cloud = _endless(rng, CLOUD_UM)
        focused = (camera or Camera()).blur_um / um_per_px
        # As in Camera.expose, red and blue are a little less sharp than green.
        self._sigma = [max((s * focused) ** 2 - BILINEAR_PX2, 0.04) ** 0.5 for s in (1.12, 1.0, 1.06)]
        self._apron = int(np.ceil(3 * max(self._sigma))) + 1
        self._tile = lru_cache(max(8, memory_mb * 10**6 // (3 * TILE**2)))(self._draw_tile)
        self._patch = lru_cache(24)(self._draw_patch)  # a cell on a border is needed for up to four tiles
        self._boxes: dict[int, tuple[int, int, int, int]] = {}

    def piece(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Light (3, height, width) uint8 of the slide from x, y on: planes blue, green and red, `LEVELS` where empty.

        In focus, and as sharp as the lens shows it.
        """
        light = np.empty((3, height, width), np.uint8)
        for row in range(y // TILE, (y + height - 1) // TILE + 1):
            for column in range(x // TILE, (x + width - 1) // TILE + 1):
                left, top = column * TILE, row * TILE
                x0, x1 = max(x, left), min(x + width, left + TILE)
                y0, y1 = max(y, top), min(y + height, top + TILE)
                tile = self._tile(column, row)
                light[:, y0 - y : y1 - y, x0 - x : x1 - x] = tile[:, y0 - top : y1 - top, x0 - left : x1 - left]
        return light

    @property
    def tiles_kept(self) -> int:
        """Tiles in memory, 3 MB each."""
        return self._tile.cache_info().currsize

    def box(self, id: int) -> tuple[int, int, int, int]:
        """x, y, w, h in pixels of the slide of cell `id` of `truth`, exactly; draws the cell where it has not been."""
        if id not in self._boxes:
            patch = self._patch(id)
            (x, y), (left, top, w, h) = self._corner(patch, self.truth[id]), patch.box
            self._boxes[id] = (x + left, y + top, w, h)
        return self._boxes[id]

    def near(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """The ids (n,) of cells that may show in this part of the slide."""
        across = np.abs(self._at[:, 0] - x - width / 2) < width / 2 + self._at[:, 2]
        down = np.abs(self._at[:, 1] - y - height / 2) < height / 2 + self._at[:, 2]
        return np.flatnonzero(across & down)

    def _draw_patch(self, id: int) -> Patch:
        rng = np.random.default_rng((self.seed, 3, id))
        return draw_cell(rng, self.truth[id].label, self.um_per_px, self._stain)

    def _corner(self, patch: Patch, cell: Placed) -> tuple[int, int]:
        h, w = patch.cover.shape
        return round(cell.centre[0] - w / 2), round(cell.centre[1] - h / 2)

    def _draw_tile(self, column: int, row: int) -> np.ndarray:
        """(3, TILE, TILE) uint8. It is drawn with an apron around it, for blurring."""
        side = TILE + 2 * self._apron
        left, top = column * TILE - self._apron, row * TILE - self._apron
        slide = Slide(side, side)
        around = [(c, r) for c in (column - 1, column, column + 1) for r in (row - 1, row, row + 1)]
        for c, r in around:
            self._stamp(slide, self._red, self._strewn.red_cells(c, r), left, top)
            self._stamp(slide, self._platelets, self._strewn.platelets(c, r), left, top)
        far = FURTHEST_UM / self.um_per_px
        for id in self.near(left - far, top - far, side + 2 * far, side + 2 * far).tolist():
            patch = self._patch(id)
            x, y = self._corner(patch, self.truth[id])
            slide.add(patch, x - left, y - top, displaces=True)
            self.box(id)
        plasma, inner = self._plasma(left, top, side), slice(self._apron, self._apron + TILE)
        tile = np.empty((3, TILE, TILE), np.uint8)
        for channel, (sigma, share) in enumerate(zip(self._sigma, PLASMA, strict=True)):
            density = cv2.scaleAdd(plasma, share, np.ascontiguousarray(slide.density[..., channel]))
            light = cv2.exp(cv2.multiply(density, -np.log(10)))  # as stain.transmit, in a fifth of the time
            plane = cv2.GaussianBlur(light, (0, 0), sigma)
            cv2.convertScaleAbs(plane[inner, inner], dst=tile[channel], alpha=LEVELS)
        return tile

    def _stamp(self, slide: Slide, bank: list[list[Patch]], spots: list[Laid], left: int, top: int) -> None:
        for x, y, _, look in spots:
            patch = bank[look // 8][look % 8]
            h, w = patch.cover.shape
            slide.add(patch, round(x / self.um_per_px - w / 2) - left, round(y / self.um_per_px - h / 2) - top)

    def _plasma(self, left: int, top: int, side: int) -> np.ndarray:
        """Density (side, side) of the faint film of dried plasma, as in `background.plasma`."""
        um = self.um_per_px
        read = np.array([[um, 0, left * um % CLOUD_UM], [0, um, top * um % CLOUD_UM]], np.float64)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cloud = cv2.warpAffine(self._cloud, read, (side, side), flags=how, borderMode=cv2.BORDER_WRAP)
        return np.maximum(0.004 * cloud + np.float32(0.008), np.float32(0))


def _turned(patch: Patch) -> list[Patch]:
    """A patch without its empty rim, in its eight orientations."""
    drawn = np.abs(patch.density).max(2) > 1e-4
    spare = min(
        int(np.argmax(line)) for line in (*(drawn.any(n) for n in (0, 1)), *(drawn.any(n)[::-1] for n in (0, 1)))
    )
    turns = []
    for quarter in (0, 1):
        for mirror in (1, -1):
            # Rows stay contiguous in memory: laying a patch whose columns run backwards takes ten times as long.
            density, cover, nucleus = (
                np.ascontiguousarray(np.rot90(a[spare : len(a) - spare, spare : len(a) - spare], quarter)[:, ::mirror])
                for a in (patch.density, patch.cover, patch.nucleus)
            )
            turns += [
                Patch(patch.label, density[::way], cover[::way], nucleus[::way], patch.um_per_px) for way in (1, -1)
            ]
    return turns


def _endless(rng: np.random.Generator, side: int) -> np.ndarray:
    """Smooth noise (side, side) float32, a point a µm, features of about 12 µm, that joins itself at its edges."""
    sigma = 4  # points; as `shapes.noise` takes for features of that width
    rough = np.pad(rng.standard_normal((side, side), np.float32), 4 * sigma, mode="wrap")
    smooth = cv2.GaussianBlur(rough, (0, 0), sigma)[4 * sigma : -4 * sigma, 4 * sigma : -4 * sigma]
    return np.ascontiguousarray(smooth * np.float32(2 * np.sqrt(np.pi) * sigma))

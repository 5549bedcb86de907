"""A simulated blood smear, drawn by this project's own code in micrometres and optical density.

    drawn = draw_field(np.random.default_rng(1), cells=["neutrophil", "eosinophil"])
    drawn.bgr, drawn.truth

For demonstrations, tests and as one more, light laboratory in training. No patient stands behind these cells, and they
never stand in an accuracy figure.
"""

from .background import Background
from .camera import Camera
from .cells import Patch, draw_cell
from .field import NORMAL, Drawn, DrawnCell, Slide, draw_field
from .stain import DYES, Stain, transmit

__all__ = [
    "DYES",
    "NORMAL",
    "Background",
    "Camera",
    "Drawn",
    "DrawnCell",
    "Patch",
    "Slide",
    "Stain",
    "draw_cell",
    "draw_field",
    "transmit",
]

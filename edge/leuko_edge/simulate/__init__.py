"""A simulated blood smear, drawn by this project's own code in micrometres and optical density.

    drawn = draw_field(np.random.default_rng(1), cells=["neutrophil", "eosinophil"])
    drawn.bgr, drawn.truth

    smear = Smear(1, {"neutrophil": 57, "lymphocyte": 30})      # a whole one, drawn as it is looked at
    path = driven(serpentine((smear.width, smear.height), (1280, 960)), Hand(), np.random.default_rng(1))
    for frame in SlideFilm(smear, path): ...

For demonstrations, tests and as one more, light laboratory in training. No patient stands behind these cells, and they
never stand in an accuracy figure.
"""

from .background import Background
from .camera import Camera
from .camera_faults import NO_FAULTS, Faults
from .cells import Patch, draw_cell
from .field import NORMAL, Drawn, DrawnCell, Slide, draw_field
from .film import SlideFilm
from .layout import Placed
from .smear import Smear
from .stage import STEADY, Hand, Pose, driven, jumping, revisiting, serpentine, there_and_back
from .stain import DYES, Stain, transmit

__all__ = [
    "DYES",
    "NORMAL",
    "NO_FAULTS",
    "STEADY",
    "Background",
    "Camera",
    "Drawn",
    "DrawnCell",
    "Faults",
    "Hand",
    "Patch",
    "Placed",
    "Pose",
    "Slide",
    "SlideFilm",
    "Smear",
    "Stain",
    "draw_cell",
    "draw_field",
    "driven",
    "jumping",
    "revisiting",
    "serpentine",
    "there_and_back",
    "transmit",
]

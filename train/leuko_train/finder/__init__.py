"""The learnt finder of white cells: `leuko-train finder` (see `train/FINDER.md`)."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]

"""leuko-edge: a white-cell differential from photographs of a stained blood smear.

    import leuko_edge

    found = leuko_edge.count("slide-7")                    # a folder, a file, or a list of them; nothing is written
    for share in found.differential.classes:
        print(share.label, share.count, share.percent, share.ci95)
    for picture in found.pictures:
        for entry in picture.cells:                        # every candidate; `counted` are those in the denominator
            print(picture.path, entry.cell.box, entry.prediction.label, entry.prediction.confidence)
    print(found.warning)                                   # why a person must look at it, "" where nothing asks for one

`leuko_edge.cli.library` describes `count` and what it gives, `pipeline` the stages between.

Not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cli.library import Counted as Counted
    from .cli.library import count as count

__version__ = "0.1.0"
__all__ = ["Counted", "__version__", "count"]

_LIBRARY = ("Counted", "count")


def __getattr__(name: str) -> Any:
    """The front door, loaded when it is first asked for: it takes OpenCV and LiteRT along, `--help` needs neither."""
    if name in _LIBRARY:
        return getattr(importlib.import_module(".cli.library", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LIBRARY})

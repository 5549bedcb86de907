"""Anybody's laboratory, from a folder: FOLDER/<class>/<pictures>, or pictures with a table of boxes.

A picture narrower than `CROP_UM` shows its cell in the middle; in a wider one, the class is that of its one clear
leukocyte. With FOLDER/boxes.csv (image, class, x_centre, y_centre, width, height; shares of the picture) the pictures
lie in FOLDER/images or in FOLDER itself. A picture named `PATIENT__….jpg` is of that patient or smear, whose pictures
stay on one side of the split; any other is its own. FOLDER/licence.txt, one line, goes into the card of the model.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from .items import Item
from .laboratories import LABORATORIES, Laboratory
from .names import KNOWN, meaning
from .readers import boxes_of

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
APART = ("images", "masks")  # folders that hold no class


@dataclass(frozen=True)
class OwnLab:
    """A laboratory of the user's: its name and its folder."""

    name: str
    folder: Path

    def items(self) -> list[Item]:
        """What the folder says. UsageError for a folder without pictures, or a class that has no name."""
        boxed = self.folder / "boxes.csv"
        items = list(self._boxed(boxed) if boxed.is_file() else self._by_class())
        if not items:
            raise UsageError(
                f"{self.folder} holds no pictures: it needs FOLDER/<class>/<pictures>, or pictures and boxes.csv."
            )
        return items

    def about(self, items: list[Item]) -> Laboratory:
        """Its licence, and the classes that its pictures name."""
        text = self.folder / "licence.txt"
        licence = text.read_text(encoding="utf-8").strip() if text.is_file() else "not stated"
        named = {label for item in items for label in item.labels}
        return Laboratory(licence, "given with --lab", tuple(label for label in CLASSES if label in named))

    def _boxed(self, table: Path) -> Iterator[Item]:
        pictures = self.folder / "images" if (self.folder / "images").is_dir() else self.folder
        for name, boxes in sorted(boxes_of(table, pictures).items()):
            yield self._item(pictures / name, boxes=boxes, all_boxed=False)

    def _by_class(self) -> Iterator[Item]:
        for folder in class_folders(self.folder):
            label, sub_type = meaning(folder.name) or ("", "")
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in PICTURES:
                    yield self._item(path, label=label, sub_type=sub_type, centred=None)

    def _item(self, path: Path, **about: object) -> Item:
        inside = path.relative_to(self.folder).as_posix()
        patient, apart, _ = path.stem.partition("__")
        source = patient if apart else inside.rpartition(".")[0]
        return Item(path, self.name, source, shown=f"{self.name}/{inside}", **about)  # type: ignore[arg-type]


def own_lab(text: str) -> OwnLab:
    """Of NAME=FOLDER on a command line; argparse.ArgumentTypeError where it is none."""
    name, equals, folder = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER (a name of small letters, digits and _)")
    if name in LABORATORIES:
        raise argparse.ArgumentTypeError(f"{name} is a laboratory that leuko-train knows; give yours another name")
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{folder} is not a folder")
    return OwnLab(name, Path(folder))


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that are named after classes; UsageError where one is named after none.

    Those of `APART` hold something else, hidden ones nothing of ours.
    """
    shown = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    folders = [path for path in shown if path.name not in APART]
    if unknown := [path.name for path in folders if meaning(path.name) is None]:
        raise UsageError(
            f"{folder} has folders that are named after no class: {', '.join(unknown)}",
            f"the names are {', '.join(KNOWN)}.",
        )
    return folders

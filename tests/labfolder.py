"""The laboratories' folder in small, as the data's README lays it out: drawn pictures, or empty files to be listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from laid import SINGLE, rng, turned

from leuko_edge.simulate import Drawn, DrawnCell, draw_field

UM = 0.2
FIELDS = ["neutrophil", "lymphocyte"] * 3
"""The class of BCCD's fields 0 to 5; field 6 shows two cells and has two names."""

PATIENTS = (
    ("blast", "07__BL_1"),
    ("band_neutrophil", "07__BNE_2"),
    ("blast", "08__BL_3"),
    ("plasma_cell", "09__PC_4"),
)
DRAWN = {"blast": "blast", "band_neutrophil": "neutrophil", "plasma_cell": "variant_lymphocyte"}

BLANK_BOX = (100, 80, 60, 50)

Box = tuple[str, int, int, int, int]  # name, x, y, w, h


def field(seed: int, *labels: str) -> Drawn:
    return draw_field(rng(seed), width=320, height=240, um_per_px=UM, cells=labels, background=SINGLE)


def crop(seed: int, label: str, width: int = 200) -> np.ndarray:
    """A picture with its cell in the middle, as PBC, LISC and TECOM cut them."""
    drawn = draw_field(rng(seed), width=2 * width, height=2 * width, um_per_px=UM, cells=[label], background=SINGLE)
    x, y = (round(v) for v in drawn.truth[0].centre)
    padded = cv2.copyMakeBorder(drawn.bgr, width, width, width, width, cv2.BORDER_REFLECT_101)
    return padded[y + width // 2 : y + width + width // 2, x + width // 2 : x + width + width // 2]


def voc(path: Path, boxes: Sequence[Box]) -> None:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
        f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in boxes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{objects}</annotation>")


def save(path: Path, bgr: np.ndarray | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if bgr is None:
        path.touch()
    else:
        assert cv2.imwrite(str(path), bgr)


def blank(*labels: str) -> Drawn:
    """Stands for a field where pictures are empty files: every cell in the same box."""
    return Drawn(
        np.zeros((240, 320, 3), np.uint8), tuple(DrawnCell(name, BLANK_BOX, (130, 105)) for name in labels), UM
    )


def red_box(drawn: Drawn, name: str = "RBC") -> Box:
    """A box in a corner that no white cell reaches."""
    corners = [(x, y) for x in (4, 276) for y in (4, 196)]
    x, y = max(
        corners, key=lambda c: min(np.hypot(c[0] + 20 - t.centre[0], c[1] + 20 - t.centre[1]) for t in drawn.truth)
    )
    return name, x, y, 40, 40


def make(root: Path, drawn: bool = True) -> Path:
    """Fill `root`; with `drawn` false the pictures are empty files, enough for what only lists them."""

    def put(path: str, draw: Callable[[], np.ndarray]) -> None:
        save(root / path, draw() if drawn else None)

    def view(seed: int, *labels: str) -> Drawn:
        return field(seed, *labels) if drawn else blank(*labels)

    pictures = [view(seed, label) for seed, label in enumerate(FIELDS)] + [view(6, "neutrophil", "lymphocyte")]
    names = [label.upper() for label in FIELDS] + ["NEUTROPHIL, LYMPHOCYTE"]
    for n, picture in enumerate(pictures):
        put(f"bccd/images/BloodImage_{n:05d}.jpg", lambda p=picture: p.bgr)
        white = [("WBC", *cell.box) for cell in picture.truth]
        voc(
            root / f"bccd/annotations/BloodImage_{n:05d}.xml", [*white, red_box(picture), red_box(picture, "Platelets")]
        )
    lines = [",Image,Category", *(f",{n},{name}" for n, name in enumerate(names)), ",7,", ""]
    (root / "bccd/labels.csv").write_text("\n".join(lines))

    for number, copies in ((0, 8), (1, 1)):  # more copies of a photograph than are taken, and turned
        for copy in range(copies):
            path = f"kaggle_blood_cells/TEST/{FIELDS[number].upper()}/_{number}_{100 + copy}.jpeg"
            put(path, lambda n=number, c=copy: turned(pictures[n].bgr, 10 + 8 * c))

    boxed = [view(20 + n, "monocyte") for n in range(3)]
    fields, classes = "deepbionet/fields", "deepbionet/classes"
    for n, picture in enumerate(boxed):
        put(f"{fields}/images/{n:03d}.jpg", lambda p=picture: p.bgr)
        boxes = [
            ("wbc", *picture.truth[0].box),
            red_box(picture, "Rbc"),
            red_box(picture, "Platlets"),
            ("dog", 1, 1, 9, 9),
        ]
        voc(root / f"{fields}/annotations/{n:03d}.xml", boxes)
    for name, boxes in (("100", []), ("101", [("WBC", 5 * n, 5, 9, 9) for n in range(90)])):
        put(f"{fields}/images/{name}.jpg", lambda: boxed[0].bgr)
        voc(root / f"{fields}/annotations/{name}.xml", boxes)
    put(f"{classes}/monocyte/7__orig0.jpg", lambda: cv2.rotate(boxed[0].bgr, cv2.ROTATE_180))
    put(f"{classes}/monocyte/7__aug1.jpg", lambda: turned(boxed[0].bgr, 20))
    put(f"{classes}/neutrophil/7__orig0.jpg", lambda: field(30, "neutrophil").bgr)

    for n in (0, 1, 11, 12):
        put(f"lisc/basophil/train_{n}.jpg", lambda n=n: view(40 + n, "basophil").bgr)
    for folder, label in (
        ("ig", "immature_granulocyte"),
        ("erythroblast", "erythroblast"),
        ("eosinophil", "eosinophil"),
    ):
        for n in range(3):
            put(f"pbc/{folder}/{folder[:2].upper()}_{n}.jpg", lambda n=n, label=label: crop(60 + n, label))
    for n, label in enumerate(("neutrophil", "lymphocyte"), start=1):
        put(f"tecom/images/{n:03d}.png", lambda n=n, label=label: crop(70 + n, label, 120))
    (root / "tecom/labels.csv").write_text("image ID,class label\n1,1\n2,2\n")

    for name in ("one", "none"):
        put(f"raabin/images/{name}.jpg", lambda: crop(80, "neutrophil", 575))
    (root / "raabin/labels").mkdir()
    (root / "raabin/labels/one.txt").write_text("0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1\n2 0.9 0.9 0.02 0.02\n")
    (root / "raabin/labels/none.txt").write_text("")
    (root / "raabin/labels.csv").write_text("image,class,smear\none.jpg,neutrophil,95-1-1\n")
    for name in ("95-1-1_7", "95-2-1_8"):
        put(f"raabin_cells/neutrophil/{name}.jpg", lambda: crop(81, "neutrophil"))
    put("raabin_cells/masks/95-1-1_7.png", lambda: np.zeros((200, 200), np.uint8))

    for n, (folder, name) in enumerate(PATIENTS):
        put(f"deepapl/{folder}/{name}.jpg", lambda n=n, folder=folder: crop(90 + n, DRAWN[folder], 144))

    rows = ["image,class,x_centre,y_centre,width,height"]
    for n in (1, 5, 30):
        picture = view(100 + n, "immature_granulocyte")
        save(root / f"rv_pbs/images/IMG_{n:04d}.jpg", picture.bgr)  # its size is read
        (x, y), name = picture.truth[0].centre if drawn else (160, 120), f"IMG_{n:04d}.jpg"
        rows.append(f"{name},promyelocyte,{x / 320:.6f},{y / 240:.6f},0.3,0.4")
    (root / "rv_pbs/boxes.csv").write_text("\n".join(rows) + "\n")
    return root

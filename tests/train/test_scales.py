"""How near the finder's scale comes to the true one, measured on pictures that know theirs."""

from __future__ import annotations

import cv2
from laid import body, lay

from leuko_train.data.items import Item
from leuko_train.evaluation import scales
from leuko_train.finder.sources import RED_CELL_PX, RED_CELL_UM


def test_a_scale_that_begins_twice_too_small_is_put_right_whatever_the_red_cells_say(tmp_path):
    um = RED_CELL_UM / RED_CELL_PX["lisc"]
    cells = [(body("neutrophil", n, um), 16 + 25 * n, 22) for n in range(2)]
    path = tmp_path / "1.png"
    cv2.imwrite(str(path), lay(cells, round(60 / um), round(45 / um), um, look=None))
    unread = Item(tmp_path / "none.png", "lisc", "2")
    (found,) = scales.measure({"lisc": [Item(path, "lisc", "1"), unread], "tecom": [Item(path, "tecom", "1")]})
    assert found.folder == "lisc" and len(found.ratios) == 1 and found.within == 1.0

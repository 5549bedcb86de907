"""A packed cell set is small, whole, and the same wherever it is unpacked."""

import numpy as np
import pytest
from laid import body, lay

from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_train import cli
from leuko_train.data import cell_set, pack
from leuko_train.data.cell_set import STORED_SIZE


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Twelve crops of drawn fields, and what the set says of them."""
    folder = tmp_path_factory.mktemp("cells")
    crops = [
        lay([(body("monocyte", seed, 0.25), 26.0, 26.0)], STORED_SIZE, STORED_SIZE, 0.25, seed=seed)[..., ::-1]
        for seed in range(12)
    ]
    where = (1.5, 2.5, 0.2, "red cells", True, "", "")
    rows = [["north", "monocyte", f"s{i}", "train", f"p{i}.jpg", *where] for i in range(12)]
    return folder, cell_set.save(folder, rows, [np.stack(crops)], {"p0.jpg": "s0"})


def test_what_is_unpacked_is_the_set_but_for_what_the_pictures_lose(cells, tmp_path):
    folder, whole = cells
    pack.pack(folder, tmp_path / "packed")
    again = pack.unpack(tmp_path / "packed", tmp_path / "out")
    for name in ("labels", "labs", "sources", "splits", "paths", "found"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert again.groups == whole.groups
    assert np.abs(again.crops.astype(int) - whole.crops).mean() < 4
    assert again.sha256 != whole.sha256  # another set, and known as one
    assert pack.unpack(tmp_path / "packed", tmp_path / "twice").sha256 == again.sha256


def test_it_is_a_tenth_of_the_size_or_less(cells, tmp_path):
    folder, whole = cells
    written = pack.pack(folder, tmp_path)
    assert sum(path.stat().st_size for path in written) < whole.crops.nbytes / 10


def test_parts_are_as_large_as_told_and_come_back_in_order(cells, tmp_path):
    folder, whole = cells
    parts = pack.pack(folder, tmp_path / "packed", part_mib=0.004)
    parts = [path for path in parts if path.name.startswith("crops-")]
    assert len(parts) > 2 and parts == sorted(parts)
    again = pack.unpack(tmp_path / "packed", tmp_path / "out")
    assert np.abs(again.crops.astype(int) - whole.crops).mean() < 4


def test_a_lost_part_is_missed(cells, tmp_path):
    parts = pack.pack(cells[0], tmp_path / "packed", part_mib=0.004)
    parts[-1].unlink()
    with pytest.raises(EnvironmentBroken, match=r"of 12 crops; copy all its parts"):
        pack.unpack(tmp_path / "packed", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_pack_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no packed cell set"):
        pack.unpack(tmp_path, tmp_path / "out")


def test_the_commands_say_what_they_wrote(cells, tmp_path, capsys):
    assert cli.main(["pack", "--cells", str(cells[0]), "--out", str(tmp_path / "packed")]) == 0
    assert "crops-01.npz" in capsys.readouterr().out
    assert cli.main(["unpack", "--packed", str(tmp_path / "packed"), "--out", str(tmp_path / "out")]) == 0
    assert (
        f"12 cells in {tmp_path / 'out'}, SHA-256 {cell_set.load(tmp_path / 'out').sha256}" in capsys.readouterr().out
    )


def test_more_than_ninety_nine_parts_come_back_in_order(tmp_path):
    crops = np.stack([np.full((STORED_SIZE, STORED_SIZE, 3), number, np.uint8) for number in range(2, 242, 2)])
    where = (1.5, 2.5, 0.2, "red cells", True, "", "")
    rows = [["north", "monocyte", f"s{i}", "train", f"p{i}.jpg", *where] for i in range(120)]
    cell_set.save(tmp_path / "cells", rows, [crops], {})
    assert len(pack.pack(tmp_path / "cells", tmp_path / "packed", part_mib=0.00001)) > 100
    again = pack.unpack(tmp_path / "packed", tmp_path / "out")
    assert (np.diff([crop.mean() for crop in again.crops]) > 0).all()


def test_names_and_crops_of_two_sets_are_none(cells, tmp_path):
    folder, _ = cells
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    table = tmp_path / cell_set.TABLE
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(UsageError, match="11 cells and the crops of 12"):
        cell_set.load(tmp_path)

"""What each laboratory's folder says, read from a small one of the same layout; no picture is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import labfolder
import pytest

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.data import readers
from leuko_train.data.items import Box, Item


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labfolder.make(tmp_path_factory.mktemp("data"), drawn=False)


def by_name(reader: Callable[[Path], Iterator[Item]], folder: Path) -> dict[str, Item]:
    return {f"{item.path.parent.name}/{item.path.name}": item for item in reader(folder)}


def test_a_bccd_field_has_its_boxes_and_the_class_of_its_row(folder):
    items = by_name(readers.bccd, folder)
    assert len(items) == 7
    first = items["images/BloodImage_00000.jpg"]
    assert (first.lab, first.source, first.label) == ("bccd", "BloodImage_00000", "neutrophil")
    assert first.boxes is not None and [box.kind for box in first.boxes] == ["wbc", "rbc", "platelet"]


def test_two_names_for_one_field_are_no_label(folder):
    both = by_name(readers.bccd, folder)["images/BloodImage_00006.jpg"]
    assert both.label is None and sum(box.kind == "wbc" for box in both.boxes or ()) == 2


def test_one_name_for_two_boxed_cells_is_no_label_and_a_field_without_a_name_has_none(tmp_path):
    for n, cells in ((3, 2), (4, 1)):
        labfolder.save(tmp_path / f"bccd/images/BloodImage_{n:05d}.jpg", None)
        boxes = [("WBC", 10 * i, 10, 5, 5) for i in range(cells)]
        labfolder.voc(tmp_path / f"bccd/annotations/BloodImage_{n:05d}.xml", boxes)
    (tmp_path / "bccd/labels.csv").write_text(",Image,Category\n,3,NEUTROPHIL\n,4,\n")
    assert [item.label for item in readers.bccd(tmp_path)] == [None, None]


def test_a_box_is_read_in_pixels_and_holds_its_edges(folder):
    box = Box("wbc", 10, 20, 30, 40)
    assert box.holds(10, 20) and box.holds(30, 40) and box.holds(20, 30)
    assert not box.holds(9.9, 30) and not box.holds(20, 40.1)
    x, y, w, h = labfolder.BLANK_BOX
    assert (by_name(readers.bccd, folder)["images/BloodImage_00000.jpg"].boxes or ())[0] == Box(
        "wbc", x, y, x + w, y + h
    )


def test_the_spellings_of_deepbionet_are_understood_and_slips_left_out(folder):
    item = by_name(readers.deepbionet_fields, folder)["images/000.jpg"]
    assert [box.kind for box in item.boxes or ()] == ["wbc", "rbc", "platelet"]
    assert item.label is None and item.source == "field-000"


def test_fields_without_a_white_cell_or_with_ninety_are_left_out(folder):
    assert {item.path.stem for item in readers.deepbionet_fields(folder)} == {"000", "001", "002"}


def test_copies_share_the_source_of_their_photograph_and_say_that_they_are_copies(folder):
    items = by_name(readers.deepbionet_classes, folder)
    photograph, copy = items["monocyte/7__orig0.jpg"], items["monocyte/7__aug1.jpg"]
    assert photograph.source == copy.source and photograph.original and not copy.original
    assert items["neutrophil/7__orig0.jpg"].source != photograph.source  # numbers start anew in every class


def test_a_kaggle_copy_has_its_class_from_the_folder_and_is_a_source_of_its_own(folder):
    items = list(readers.kaggle(folder))
    assert {item.label for item in items} == {"neutrophil", "lymphocyte"}
    assert "TEST-LYMPHOCYTE-_1_100" in {item.source for item in items}  # the number before it is no photograph's
    assert len(items) == len({item.source for item in items}) == 9 and not any(item.original for item in items)


def test_a_field_of_lisc_has_the_class_of_its_folder_and_is_no_crop(folder):
    items = list(readers.lisc(folder))
    assert {item.label for item in items} == {"basophil"} and not any(item.centred for item in items)
    assert len({item.source for item in items}) == len(items)


def test_the_cells_of_one_patient_and_of_one_smear_share_their_source(folder):
    patients = by_name(readers.deepapl, folder)
    assert patients["blast/07__BL_1.jpg"].source == patients["band_neutrophil/07__BNE_2.jpg"].source
    assert patients["blast/07__BL_1.jpg"].source != patients["blast/08__BL_3.jpg"].source
    smears = by_name(readers.raabin_cells, folder)
    assert {item.source for item in smears.values()} == {"95-1-1", "95-2-1"}
    assert [item.mask is not None for item in smears.values()] == [True, False]
    (field,) = readers.raabin(folder)
    assert field.source == "95-1-1" and field.label == "neutrophil"


def test_a_name_that_says_more_than_the_class_is_kept_as_the_sub_type(folder):
    found = {(item.label, item.sub_type) for item in readers.deepapl(folder)}
    assert found == {("blast", ""), ("neutrophil", "band_neutrophil"), ("variant_lymphocyte", "plasma_cell")}


def test_boxes_given_as_shares_become_pixels_with_a_class_each(folder):
    items = by_name(readers.rv_pbs, folder)
    first = items["images/IMG_0001.jpg"]
    assert [(box.label, box.sub_type) for box in first.boxes or ()] == [("immature_granulocyte", "promyelocyte")]
    box = (first.boxes or ())[0]
    assert box.centre == pytest.approx((160, 120)) and box.right - box.left == pytest.approx(96)
    assert first.labels == ("immature_granulocyte",) and not first.all_boxed


def test_neighbouring_numbers_of_rv_pbs_are_one_smear_and_a_gap_begins_another(folder):
    sources = {item.path.stem: item.source for item in readers.rv_pbs(folder)}
    assert sources["IMG_0001"] == sources["IMG_0005"] != sources["IMG_0030"]


def test_a_class_of_a_box_that_has_no_name_is_refused_with_the_list(tmp_path):
    (tmp_path / "boxes.csv").write_text(
        "image,class,x_centre,y_centre,width,height\na.jpg,heterophil,0.5,0.5,0.1,0.1\n"
    )
    with pytest.raises(UsageError, match=r"heterophil.*neutrophil.*band_neutrophil"):
        readers.boxes_of(tmp_path / "boxes.csv", tmp_path)


def test_pbc_and_tecom_name_the_cell_in_the_middle(folder):
    assert {item.label for item in readers.pbc(folder)} == {"immature_granulocyte", "erythroblast", "eosinophil"}
    assert [item.label for item in readers.tecom(folder)] == ["neutrophil", "lymphocyte"]
    single = (readers.pbc, readers.tecom, readers.deepapl, readers.raabin_cells)
    assert all(item.centred for reader in single for item in reader(folder))


def test_raabins_shares_become_pixels_and_fields_without_boxes_are_left_out(folder):
    (item,) = readers.raabin(folder)
    assert [box.kind for box in item.boxes or ()] == ["wbc", "rbc", "platelet"]
    box = (item.boxes or ())[0]
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((230, 172.5, 345, 402.5))


def test_every_label_is_a_class_of_the_network(folder):
    labels = {item.label for reader in readers.READERS for item in reader(folder)} - {None}
    assert labels <= set(CLASSES) and len(labels) == 9


def test_reading_twice_gives_the_same_items_in_the_same_order(folder):
    for reader in readers.READERS:
        assert list(reader(folder)) == list(reader(folder))

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from leuko_edge.errors import UsageError
from leuko_train import paper


@pytest.fixture
def folder(tmp_path):
    """Ten sources a class, three copies of each, drawn as plain colours."""
    for label, name in enumerate(paper.CLASSES):
        place = tmp_path / "kaggle_blood_cells" / "TEST" / name
        place.mkdir(parents=True)
        for number in range(30):
            bgr = np.full((24, 32, 3), (60 * label, 200, 100), np.uint8)
            cv2.imwrite(str(place / f"_{number // 3}_{1000 + number}.jpeg"), bgr)
    return tmp_path


def test_pictures_are_rgb_between_nought_and_one(folder):
    pictures = paper.read(folder)
    assert pictures.rgb.shape == (120, 64, 64, 3) and pictures.rgb.dtype == np.float32
    np.testing.assert_allclose(pictures.rgb[0, 0, 0] * 255, (100, 200, 0), atol=3)
    assert len(np.unique(pictures.sources)) == 40


def test_the_papers_split_puts_copies_on_both_sides(folder):
    pictures = paper.read(folder)
    test = paper.split(pictures, "random", seed=1)
    assert test.sum() == 24
    assert len(np.intersect1d(pictures.sources[test], pictures.sources[~test])) > 0


def test_the_split_by_source_shares_none_and_has_every_class(folder):
    pictures = paper.read(folder)
    test = paper.split(pictures, "source", seed=1)
    assert len(np.intersect1d(pictures.sources[test], pictures.sources[~test])) == 0
    np.testing.assert_array_equal(np.bincount(pictures.labels[test]), [6, 6, 6, 6])


def test_the_report_has_the_rows_of_table_three(tmp_path):
    rows = [{"loss": 1.0, "accuracy": 0.5, "val_loss": 0.9, "val_accuracy": 0.6, "seconds": 1.0}] * 2
    made = {"commit": None, "dirty": None, "data_sha256": "ab" * 32, "seed": 1, "versions": {}}
    settings = {"split": "source", "shared_sources": 0, "provenance": made}
    paper.write_report(tmp_path, settings, rows, np.eye(4, dtype=int))
    assert "| 2 | 1.0000 | 0.5000 | 0.9000 | 0.6000 |" in (tmp_path / "report.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} >= {"report.json", "confusion.png", "curves.png"}


def test_a_folder_without_the_pictures_is_named(tmp_path):
    with pytest.raises(UsageError, match="No pictures in"):
        paper.read(tmp_path)


@pytest.mark.realdata
def test_the_kaggle_folder_holds_71_sources(data):
    pictures = paper.read(data)
    assert len(pictures.labels) == 2487
    assert len(np.unique(pictures.sources)) == 71

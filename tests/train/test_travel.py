import json
import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from made_cells import MadeCells, made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_train.data import augment
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.paper import recipe
from leuko_train.training.settings import Settings
from leuko_train.travel import pieces
from leuko_train.travel import report as travel_report

SETTINGS = Settings(network="tiny", trunk="cut", input_size=32, views=16, batch=4, warmup=0, epochs=1, ema=0.5)
LABS = ("bccd", "deepbionet", "kaggle", "lisc", "pbc", "simulated", "tecom")


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "tiny", Network(tiny, 255.0))
        patch.setattr(recipe, "build_paper", tiny)
        yield


@pytest.fixture(scope="module")
def cells() -> MadeCells:
    """Two laboratories; the photograph "0", of the north, also lies in the folder of the south."""
    made = made_cells()
    made.sources[9:12] = made.sources[0]
    return made


@pytest.fixture(scope="module")
def done(cells, tmp_path_factory, tiny_network):
    out = tmp_path_factory.mktemp("travel")
    plan = pieces.plan(cells.labs.tolist(), SETTINGS, ["south"], baselines=["paper"], ablations=["augment=geometry"])
    return plan, [pieces.work(piece, cells, out, None, None, cap=720) for piece in plan], out


def test_each_laboratory_is_left_out_with_its_copies():
    plan = pieces.plan(LABS, SETTINGS)
    assert [(piece.left_out, piece.excluded) for piece in plan] == [
        ("bccd", ("bccd", "kaggle")),
        ("deepbionet", ("deepbionet",)),
        ("lisc", ("lisc",)),
        ("pbc", ("pbc",)),
    ]
    assert plan[0].judged == ("bccd", "kaggle", "tecom")


def test_two_laboratories_are_left_out_together_and_both_judged():
    (piece,) = pieces.plan(LABS, SETTINGS, ["lisc+bccd"])
    assert piece.excluded == ("bccd", "kaggle", "lisc") and piece.judged == ("lisc", "bccd", "kaggle", "tecom")
    with pytest.raises(UsageError, match="No laboratory west"):
        pieces.plan(LABS, SETTINGS, ["lisc+west"])


def test_a_laboratory_excluded_from_everything_is_neither_trained_on_nor_judged():
    plan = pieces.plan(LABS, SETTINGS, excluded=["simulated", "lisc"])
    assert all({"simulated", "lisc"} <= set(piece.excluded) for piece in plan)
    assert all("lisc" not in piece.judged for piece in plan)


def test_the_papers_recipe_sees_no_drawn_cells_and_pbc_alone_means_pbc_alone():
    plan = pieces.plan(LABS, SETTINGS, ["lisc", "bccd"], baselines=["paper", "pbc-only"])
    by_variant = {piece.variant: piece for piece in plan}
    assert "simulated" in by_variant["paper"].excluded
    assert by_variant["pbc-only"].excluded == ("bccd", "deepbionet", "kaggle", "lisc", "simulated")
    assert by_variant["pbc-only"].judged == ("lisc", "bccd", "kaggle", "tecom")


def test_a_variant_changes_the_settings_that_it_names():
    varied = pieces.varied(SETTINGS, "window_um=30,input_size=80,augment=no-stain")
    assert (varied.window_um, varied.input_size, varied.augment) == (30.0, 80, "no-stain")
    assert varied.batch == SETTINGS.batch


@pytest.mark.parametrize("variant", ["stain", "no_such=1", "batch=many", "augment=none", "window_um="])
def test_a_variant_that_is_no_setting_is_refused(variant):
    with pytest.raises(UsageError, match="--ablation"):
        pieces.varied(SETTINGS, variant)


def test_an_unknown_laboratory_is_refused():
    with pytest.raises(UsageError, match="No laboratory west"):
        pieces.plan(LABS, SETTINGS, ["west"])


def test_all_cells_of_the_laboratory_are_judged_but_those_whose_photograph_was_seen(cells, done):
    plan, found, _ = done
    assert [piece.variant for piece in plan] == ["as told", "paper", "augment=geometry"]
    for one in found:
        assert set(cells.labs[one.rows]) == {"south"}
        assert set(cells.splits[one.rows]) == {"train", "validation", "test"}
        assert len(one.rows) == 36 - 3  # three show the photograph that trained


def test_the_temperature_is_of_the_other_laboratories_validation_cells(done):
    for one in done[1]:
        assert one.answers.temperature == one.trained["temperature"]
        assert one.trained["settings"]["exclude_labs"] == ["south"]


def test_the_papers_recipe_sees_the_whole_crop_and_trains_its_five_epochs(done):
    trained = done[1][1].trained
    assert trained["settings"]["window_um"] == 36 and trained["settings"]["learning_rate"] == 1e-4
    assert len(trained["epochs"]) == 5


def test_what_is_done_is_not_done_again(cells, done, monkeypatch):
    plan, _, out = done
    monkeypatch.setattr(pieces, "fit", None)
    monkeypatch.setattr(pieces.evaluate, "load_run", None)
    for piece in plan:
        pieces.work(piece, cells, out, None, None, cap=720)


def test_a_piece_that_another_process_works_on_is_not_begun_twice(done, tmp_path):
    piece = done[0][0]
    with pieces.claimed(piece, tmp_path) as first, pieces.claimed(piece, tmp_path) as second:
        assert first and not second
    with pieces.claimed(piece, tmp_path) as later:
        assert later


def test_a_run_made_before_a_setting_existed_had_its_default(cells, done, tmp_path):
    plan, _, out = done
    shutil.copytree(out / plan[0].name, tmp_path / plan[0].name)
    report = tmp_path / plan[0].name / "report.json"
    older = json.loads(report.read_text())
    del older["settings"]["class_weights"]
    report.write_text(json.dumps(older))
    assert pieces.finished(plan[0], cells, tmp_path) is not None


def test_other_settings_in_the_same_folder_are_refused(cells, done):
    plan, _, out = done
    other = pieces.plan(cells.labs.tolist(), pieces.varied(SETTINGS, "batch=8"), ["south"])[0]
    assert other.name == plan[0].name
    with pytest.raises(UsageError, match="another batch"):
        pieces.work(other, cells, out, None, None, cap=720)


def test_the_report_has_each_laboratory_each_variant_and_the_mean(cells, done):
    _, found, out = done
    text = travel_report.write(out, found, cells)
    assert "| augment=geometry |" in text and "| paper |" in text and "Mean over south" in text
    written = json.loads((out / "report.json").read_text())
    assert {entry["variant"] for entry in written["judged"]} == {"as told", "paper", "augment=geometry"}
    assert written["mean"]["as told"]["nine"]["laboratories"] == ["south"]
    assert all(
        (out / name).stat().st_size > 1000 for name in ("reliability.png", "coverage.png", "confusion-south.png")
    )


def test_geometry_alone_leaves_the_colours_as_they_are():
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    rng, strength = np.random.default_rng(1), augment.STRENGTHS["geometry"]
    values = augment.relight(augment.restain(rgb, rng, strength), rng, strength)
    np.testing.assert_array_equal(augment.photograph(values, rng, strength, 0.375), rgb)


def test_without_changes_of_density_the_stain_still_changes_its_colour():
    assert augment.STRENGTHS["no-density"].density_gain == (1, 1)
    assert augment.STRENGTHS["no-density"].stain_balance == augment.STRENGTHS["full"].stain_balance > 0

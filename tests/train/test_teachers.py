import hashlib
import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.data.augment import Window
from leuko_train.data.views import identity_view
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training import seen, teachers
from leuko_train.training.fit import fit
from leuko_train.training.settings import Settings

TOLD = {"network": "narrow", "trunk": "cut", "views": 32, "batch": 8, "warmup": 0, "validation_cap": 2, "keep": "last"}
SMALL, LARGE = {"window_um": 24.0, "input_size": 32}, {"window_um": 36.0, "input_size": 48}


@pytest.fixture(scope="module", autouse=True)
def network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "narrow", Network(tiny, 255.0))
        yield


@pytest.fixture(scope="module")
def cells():
    return made_cells()


@pytest.fixture(scope="module")
def runs(cells, network, tmp_path_factory):
    """Two teachers of the smaller window, one of which never saw the south."""
    out = tmp_path_factory.mktemp("runs")
    fit(cells, Settings(**TOLD, **SMALL, epochs=1), out / "a", None)
    fit(cells, Settings(**TOLD, **SMALL, epochs=1, seed=2), out / "north", None, exclude_labs=("south",))
    return out


def test_a_teacher_with_a_smaller_window_sees_the_middle_of_its_pupils(runs, cells):
    both = teachers.read([runs / "a"], Window(36.0, 48))
    wide = identity_view(cells.crops[:6], Window(36.0, 48))
    narrow = teachers.read([runs / "a"], Window(24.0, 32))
    np.testing.assert_allclose(both.answers(wide), narrow.answers(wide[:, 8:40, 8:40]), atol=1e-5)


def test_several_answer_as_one_and_none_outvotes_the_others(runs, cells):
    rgb = identity_view(cells.crops[:6], Window(24.0, 32))
    one, two, both = (
        teachers.read(chosen, Window(24.0, 32)).answers(rgb)
        for chosen in ([runs / "a"], [runs / "north"], [runs / "a", runs / "north"])
    )
    np.testing.assert_allclose(both.sum(1), 1, atol=1e-5)
    mean = np.sqrt(one * two)
    np.testing.assert_allclose(both, mean / mean.sum(1, keepdims=True), atol=1e-4)


def test_a_teacher_that_knows_what_is_left_out_is_refused(runs):
    with pytest.raises(UsageError, match="was trained by south"):
        teachers.read([runs / "a"], Window(24.0, 32), ("south",))
    assert teachers.read([runs / "north"], Window(24.0, 32), ("south",)) is not None


@pytest.mark.parametrize("window", [Window(24.0, 48), Window(12.0, 16)])
def test_a_teacher_of_another_scale_or_a_larger_window_is_refused(runs, window):
    with pytest.raises(UsageError, match="µm"):
        teachers.read([runs / "a"], window)


def test_without_teachers_there_is_nobody_to_ask():
    assert teachers.read([], Window()) is None


def test_a_pupil_taught_by_answers_alone_comes_to_answer_as_its_teachers(runs, cells, tmp_path):
    told = Settings(**TOLD, **LARGE, taught=1.0, epochs=25, learning_rate=0.02, head_rate=1.0, augment="geometry")
    untaught = fit(cells, Settings(**TOLD, **LARGE, epochs=1), tmp_path / "untaught", None)
    pupil = fit(cells, told, tmp_path / "pupil", None, teachers=[runs / "a", runs / "north"])
    rgb = identity_view(cells.crops, Window(36.0, 48))
    said = teachers.read([runs / "a", runs / "north"], Window(36.0, 48)).answers(rgb)

    def far(run: str) -> float:
        found = keras.models.load_model(tmp_path / run / "model.keras", compile=False).predict(rgb, verbose=0)
        return float(np.mean(np.sum(said * (np.log(said + 1e-9) - np.log(found + 1e-9)), 1)))

    assert untaught.rows and pupil.rows
    assert far("pupil") < 0.5 * far("untaught")


def test_the_report_names_the_teachers_and_the_pupil_has_seen_what_they_saw(runs, cells, tmp_path):
    told = Settings(**TOLD, **LARGE, taught=0.5, epochs=1)
    fit(cells, told, tmp_path / "pupil", None, exclude_labs=("south",), teachers=[runs / "north"])
    report = json.loads((tmp_path / "pupil" / "report.json").read_text())
    sha256 = hashlib.sha256((runs / "north" / "model.keras").read_bytes()).hexdigest()
    assert report["settings"]["teachers"] == [f"north {sha256[:16]}"] and report["settings"]["taught"] == 0.5
    assert seen.pictures(tmp_path / "pupil") >= seen.pictures(runs / "north")


@pytest.mark.parametrize(("share", "given"), [(0.5, False), (0.0, True)])
def test_a_share_without_teachers_and_teachers_without_a_share_are_refused(runs, cells, tmp_path, share, given):
    with pytest.raises(UsageError, match="belong together"):
        fit(cells, Settings(**TOLD, **LARGE, taught=share), tmp_path / "x", None, teachers=[runs / "a"] * given)


@pytest.mark.parametrize("told", [{"taught": 1.5}, {"taught": -0.1}, {"style": 2.0}])
def test_what_is_no_share_is_refused(runs, cells, tmp_path, told):
    with pytest.raises(UsageError, match="shares"):
        fit(cells, Settings(**TOLD, **LARGE, **told), tmp_path / "x", None, teachers=[runs / "a"])


def test_every_class_keeps_a_chance_in_what_teachers_say(runs, cells):
    found = teachers.read([runs / "a"], Window(24.0, 32)).answers(identity_view(cells.crops[:3], Window(24.0, 32)))
    assert found.shape == (3, len(CLASSES)) and (found > 0).all()

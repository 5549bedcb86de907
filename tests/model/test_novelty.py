"""Cells far from what the network was taught, by the tiny model whose features are a cell's brightest colour."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import encoded, smear
from snapshots import snapshot
from tiny import COLOURS, FAR, FAR_FLOAT, NEAR, TINY, crops_of, flat

from leuko_edge.cli import count as counting
from leuko_edge.cli import main
from leuko_edge.errors import ModelError
from leuko_edge.live.engine import Engine
from leuko_edge.live.tracks import Track
from leuko_edge.model.classify import Classifier, FixedClassifier, judge, simulated_card
from leuko_edge.model.novelty import distances
from leuko_edge.service import sentences
from leuko_edge.store import SessionInfo, SessionStore
from leuko_edge.tally import Differential, Review, reviews, sentence, warning
from leuko_edge.types import CLASSES, UNIDENTIFIED

REDDISH, PINK = (255, 0, 40), (255, 0, 80)  # both surely a neutrophil's red, 2 and 4 units of distance away


def with_card(model: Path, tmp_path: Path, **changes: object) -> Path:
    """The model under a changed card."""
    path = Path(shutil.copy(model, tmp_path))
    raw = json.loads(model.with_suffix(".json").read_text()) | changes
    path.with_suffix(".json").write_text(json.dumps(raw))
    return path


@pytest.mark.parametrize("path", [FAR, FAR_FLOAT], ids=["int8", "float16"])
def test_a_cell_far_from_all_known_ones_is_unidentified_however_sure_its_class(path):
    near, far = Classifier.from_path(path).classify(flat(REDDISH, PINK))
    assert near.label == "neutrophil" and near.distance == pytest.approx(40 / NEAR, abs=0.2)
    assert far.label == UNIDENTIFIED and far.distance == pytest.approx(80 / NEAR, abs=0.2)
    assert far.confidence > 0.9 and int(np.argmax(far.probabilities)) == CLASSES.index("neutrophil")


@pytest.mark.parametrize("path", [FAR, FAR_FLOAT], ids=["int8", "float16"])
def test_known_cells_are_named_and_lie_at_their_centre(path):
    found = Classifier.from_path(path).classify(crops_of(*COLOURS))
    assert [p.label for p in found] == list(COLOURS)
    assert max(p.distance for p in found) < 0.2


def test_an_erythroblast_that_is_far_is_unidentified_but_a_platelet_stays():
    erythroblast, platelet = Classifier.from_path(FAR).classify(flat((90, 0, 0), (128, 128, 200)))
    assert erythroblast.label == UNIDENTIFIED and erythroblast.confidence > 0.9
    assert platelet.label == "platelet" and platelet.distance > 3


def test_without_a_threshold_the_distance_is_told_and_changes_nothing(tmp_path):
    far = Classifier.from_path(with_card(FAR, tmp_path, distance_threshold=None)).classify(flat(PINK))[0]
    assert far.label == "neutrophil" and far.distance > 3


def test_a_model_without_features_tells_no_distance():
    assert Classifier.from_path(TINY).classify(flat(PINK))[0].distance is None


def test_quantised_distances_are_those_of_the_float_model():
    crops = flat(*np.random.default_rng(3).integers(0, 256, (200, 3)))
    found = [np.array([p.distance for p in Classifier.from_path(path).classify(crops)]) for path in (FAR, FAR_FLOAT)]
    np.testing.assert_allclose(found[0], found[1], atol=0.1)  # 2 of 255 grey values


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_cell_has_the_same_distance_in_any_batch(count):
    crops = np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    with Classifier.from_path(FAR, threads=1) as classifier:
        assert classifier.classify(crops) == [classifier.classify(crop[None])[0] for crop in crops]


def test_features_are_averaged_over_the_turns(tmp_path):
    crops = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    once, often = Classifier.from_path(FAR), Classifier.from_path(with_card(FAR, tmp_path, turns=4))
    np.testing.assert_allclose(often.answers(crops).features, once.answers(crops).features, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "changes", "sentence"),
    [
        (FAR, {"centres": [], "distance_threshold": None}, "is 1 and 2, not 1 and 1, as a card has it without centres"),
        (TINY, {"centres": [[0.0, 0.0, 0.0]]}, "is 1 and 1, not 1 and 2, as a card has it with centres"),
        (FAR, {"centres": [[0.0] * 4]}, "its output of features is [1, 3], not [1, 4]"),
    ],
)
def test_a_model_whose_outputs_are_not_its_cards_is_refused(tmp_path, model, changes, sentence):
    with pytest.raises(ModelError) as caught:
        Classifier.from_path(with_card(model, tmp_path, **changes))
    assert sentence in str(caught.value)


def test_version_verbose_shows_both_thresholds(capsys):
    assert main.main(["--version", "--verbose", "--model", str(FAR)]) == 0
    out = capsys.readouterr().out
    assert "unidentified below a confidence of 0.6, or farther than 3 from the known cells" in out
    assert "warns where more than 15.0% of the white cells are unidentified" in out


def test_the_distance_is_to_the_nearest_centre():
    centres = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert distances(np.array([[3.0, 0.0], [3.0, 5.0]]), centres) == pytest.approx([3, 1])


def test_a_tracks_distance_is_the_mean_of_its_views_by_their_quality():
    track, even = Track(0, 0.0, 0.0), np.array([0.5, 0.5])
    track.see(1.0, even)  # a view of before a resume: its distance is not known
    assert track.distance is None
    track.see(1.0, even, 2.0)
    track.see(3.0, even, 6.0)
    assert track.distance == pytest.approx(5.0)


def test_views_combined_are_judged_by_their_distance_too():
    card = replace(simulated_card(), centres=((0.0,),), distance_threshold=3.0)
    seen = FixedClassifier("monocyte", card=card, distance=4.0).classify(np.zeros((1, 64, 64, 3), np.uint8))[0]
    track = Track(0, 0.0, 0.0)
    combined = track.see(1.0, np.array(seen.probabilities), seen.distance)
    assert judge(combined, card, track.distance).label == UNIDENTIFIED
    combined = track.see(3.0, np.array(seen.probabilities), 2.0)
    assert judge(combined, card, track.distance).label == "monocyte"


def counted(leukocytes: int, unidentified: int) -> Differential:
    return Differential.from_counts({"neutrophil": leukocytes, UNIDENTIFIED: unidentified})


@pytest.mark.parametrize(
    ("leukocytes", "unidentified", "warned"), [(0, 19, False), (0, 20, True), (17, 3, False), (16, 4, True)]
)
def test_too_many_unidentified_among_twenty_or_more_are_a_warning(leukocytes, unidentified, warned):
    said = warning(counted(leukocytes, unidentified), 0.15)
    assert ("outside what the model knows" in said) == warned and bool(said) == warned


def test_one_blast_or_variant_lymphocyte_asks_for_a_person_whatever_else_was_counted():
    for label in ("blast", "variant_lymphocyte"):
        (found,) = reviews(Differential.from_counts({"neutrophil": 500, label: 1}), 0.15)
        assert found == Review("abnormal", 1, 501)
        assert sentence(found) == "1 cell looks abnormal (variant lymphocyte or blast), a person must review"
    both = Differential.from_counts({"blast": 2, "variant_lymphocyte": 3, UNIDENTIFIED: 20})
    assert [review.code for review in reviews(both, 0.15)] == ["abnormal", "unfamiliar"]
    assert warning(both, 0.15).startswith("5 cells look abnormal") and "outside what the model knows" in warning(
        both, 0.15
    )
    assert reviews(Differential.from_counts({"neutrophil": 9, "smudge": 4, "erythroblast": 1}), 0.15) == ()


@pytest.mark.parametrize("more", [[], ["--quiet"]])
def test_whoever_counts_photographs_is_told_of_abnormal_cells(tmp_path, monkeypatch, capsys, more):
    monkeypatch.setattr(counting.Classifier, "from_path", lambda *_, **__: FixedClassifier("blast"))
    (tmp_path / "one.png").write_bytes(encoded(smear(), ".png"))
    assert main.main(["--image", str(tmp_path), "--json", str(tmp_path / "r.json"), *more]) == 0
    out = capsys.readouterr()
    assert "abnormal (variant lymphocyte or blast), a person must review" in " ".join((out.out + out.err).split())
    found = json.loads((tmp_path / "r.json").read_text())["differential"]
    assert found["abnormal"] == found["classes"]["blast"]["count"] == found["counted"] > 0


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A function that makes a folder of so many photographs of one cell; of two cells one is unidentified."""
    labels = ("neutrophil", UNIDENTIFIED)
    monkeypatch.setattr(counting.Classifier, "from_path", lambda *_, **__: FixedClassifier(*labels))

    def folder(pictures: int) -> str:
        place = tmp_path / f"slide-{pictures}"
        place.mkdir()
        for number in range(pictures):
            other = smear(
                width=320 + 2 * number
            )  # rows of red cells all look alike: of one size they would be one place
            (place / f"{number}.png").write_bytes(encoded(other, ".png"))
        return str(place)

    return folder


SENTENCE = "50 % of the white cells are unidentified: this laboratory's cells are outside what the model knows"


def test_the_report_warns_of_a_laboratory_that_the_model_does_not_know(slide, capsys):
    assert main.main(["--image", slide(20)]) == 0
    assert f"Warning: {SENTENCE}" in " ".join(capsys.readouterr().out.split())
    assert main.main(["--image", slide(18)]) == 0
    assert "Warning" not in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--quiet"]])
def test_the_warning_goes_to_standard_error_beside_json(slide, capsys, more):
    assert main.main(["--image", slide(20), "--json", "-", *more]) == 0
    out, err = capsys.readouterr()
    assert SENTENCE in " ".join(err.split())
    found = json.loads(out)  # standard output has the report to itself
    assert {"schema", "model", "source", "images", "frames", "differential"} <= set(found)
    assert SENTENCE in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize(("share", "warned"), [(0.25, True), (0.35, False)])
def test_a_live_session_warns_above_its_cards_share(tmp_path, monkeypatch, share, warned):
    with SessionStore.create(tmp_path / "s.sqlite3", SessionInfo()) as store:
        monkeypatch.setattr(store, "counts", lambda: {"neutrophil": 14, UNIDENTIFIED: 6})
        engine = Engine(FixedClassifier("neutrophil", card=replace(simulated_card(), warn_share=share)), store)
        assert engine.review.startswith("30 % of the white cells are unidentified") == warned


def test_a_live_session_with_a_blast_asks_for_a_person(tmp_path, monkeypatch):
    with SessionStore.create(tmp_path / "s.sqlite3", SessionInfo()) as store:
        monkeypatch.setattr(store, "counts", lambda: {"neutrophil": 4, "blast": 2})
        engine = Engine(FixedClassifier("neutrophil"), store)
        assert engine.review == "2 cells look abnormal (variant lymphocyte or blast), a person must review"


def test_the_services_status_says_what_it_warns_of():
    calm = snapshot()
    assert (
        sentences.counting(replace(calm, warning="30 % are strange")) == sentences.counting(calm) + "; 30 % are strange"
    )

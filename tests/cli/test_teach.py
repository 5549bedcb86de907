"""Teaching a site with what was named in signed sessions, as the review pages ask for it: with a real model."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell
from starlette.testclient import TestClient
from tiny import TINY

from leuko_edge import config
from leuko_edge.cli.teach import SessionTeacher
from leuko_edge.errors import EnvironmentBroken, NothingCountable, UsageError
from leuko_edge.model import site as sites
from leuko_edge.model.card import load_verified
from leuko_edge.model.classify import Classifier, FixedClassifier
from leuko_edge.results.teaching import offer
from leuko_edge.review.app import create_app
from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive

COLOURS = {"neutrophil": (255, 150, 0), "eosinophil": (255, 255, 0), "monocyte": (0, 255, 0)}
"""Of this laboratory's cells: its neutrophils are so yellow that the tiny model takes most of them for eosinophils."""
CARD, _ = load_verified(TINY)


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LEUKO_EDGE_MODEL_PATH", str(TINY))
    return tmp_path / "state"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "sessions.sqlite3"


@pytest.fixture
def signed(database):
    """Makes a signed session of so many cells of each class, as a person named them; gives its number."""

    def make(signs=True, **counts):
        rng = np.random.default_rng(len(counts))
        names = [name for name, n in counts.items() for _ in range(n)]
        with SessionStore.create(database, replace(INFO, window_um=CARD.window_um), START) as store:
            for number, name in enumerate(names, 1):
                shade = np.clip(np.array(COLOURS[name]) + rng.integers(-40, 41, 3), 0, 255)
                crop = np.full((CARD.input_size, CARD.input_size, 3), shade, np.uint8)
                cell = store.add_cell(new_cell("lymphocyte", number, crop=crop), ACCOUNTS)
                store.reclassify(cell, name, "A. B.", START + 60)
            if signs:
                store.sign("A. B.", START + 90)
            return store.id

    return make


@pytest.fixture
def teach(database):
    def asked(session, name, who="Dr. C", **model):
        return SessionTeacher(str(database), replace(config.load(None).typed().model, **model))(session, name, who)

    return asked


def test_a_site_is_written_that_names_who_taught_it_and_counting_uses_it(signed, teach):
    session = signed(neutrophil=8, eosinophil=8)
    done = teach(session, "KLINIK 2")
    assert done.said.startswith("site KLINIK 2: 16 named cells") and not done.left_out
    written = sites.load("KLINIK 2")
    assert (written.by, written.sessions, written.source) == ("Dr. C", (session,), "--session 1")
    crops = np.full((1, CARD.input_size, CARD.input_size, 3), COLOURS["neutrophil"], np.uint8)
    labels = []
    for site in (None, "KLINIK 2"):
        with Classifier.from_path(TINY, 1, site) as classifier:
            labels.append(classifier.classify(crops)[0].probabilities[0])
    assert labels[1] > labels[0]


def test_what_earlier_sessions_taught_is_not_forgotten(signed, teach, database):
    first, second = signed(neutrophil=8, eosinophil=8), signed(neutrophil=4, monocyte=4)
    teach(first, "A")
    with Archive(database) as archive:
        assert offer(archive.record(second), "A", "").endswith("enrol A --session 1 2")
    teach(second, "A")
    written = sites.load("A")
    assert written.sessions == (first, second) and written.cells == {"neutrophil": 12, "monocyte": 4, "eosinophil": 8}


@pytest.mark.parametrize("name", ["../A", "/tmp/A", "A.json", "a\nb", "x" * 80])
def test_a_browser_names_no_file(signed, teach, name, state):
    session = signed(neutrophil=8, eosinophil=8)
    with pytest.raises(UsageError, match="no name of a site"):
        teach(session, name)
    assert not list(state.rglob("*.json"))


def test_the_configured_site_may_be_a_file(signed, teach, tmp_path):
    path = str(tmp_path / "mine.json")
    teach(signed(neutrophil=8, eosinophil=8), path, site=path)
    assert sites.load(path).name == "mine"


def test_too_few_cells_a_session_that_is_open_and_a_site_taught_by_pictures_are_refused(signed, teach, state):
    few, still_open, enough = (
        signed(neutrophil=8, eosinophil=2),
        signed(False, neutrophil=3),
        signed(neutrophil=8, eosinophil=8),
    )
    with pytest.raises(NothingCountable, match="at least two classes"):
        teach(few, "A")
    with pytest.raises(UsageError, match="not signed"):
        teach(still_open, "A")
    teach(enough, "A")
    (file,) = state.rglob("*.json")
    by_pictures = {**json.loads(file.read_text()), "source": "--labelled cells", "sessions": []}
    file.write_text(json.dumps(by_pictures))
    with pytest.raises(UsageError, match="was taught with --labelled cells"):
        teach(enough, "A")
    assert json.loads(file.read_text()) == by_pictures


def test_a_damaged_site_is_told_and_left(signed, teach, state):
    folder = state / "leuko-edge" / "sites"
    folder.mkdir(parents=True)
    (folder / "A.json").write_text("{")
    with pytest.raises(EnvironmentBroken, match="damaged"):
        teach(signed(neutrophil=8, eosinophil=8), "A")
    assert (folder / "A.json").read_text() == "{"


def test_the_page_teaches_and_shows_before_and_after(signed, database, state):
    session = signed(neutrophil=8, eosinophil=8)
    teacher = SessionTeacher(str(database), config.load(None).typed().model)
    app = create_app(database, lambda: FixedClassifier("eosinophil"), teach=teacher)
    with TestClient(app, "http://127.0.0.1:8642") as client:
        token = {"x-token": client.get("/").text.split('name="token" content="')[1].split('"')[0]}
        client.post("/name", json={"name": "Dr. Å"}, headers=token)
        told = client.post(f"/sessions/{session}/teach", json={"site": "A"}, headers=token).json()
        assert told["written"] and any(line.startswith("as shipped: ") for line in told["lines"])
        assert sites.load("A").by == "Dr. Å"
        refused = client.post(f"/sessions/{session}/teach", json={"site": "../A"}, headers=token)
        assert refused.status_code == 400 and "no name of a site" in refused.json()["message"]

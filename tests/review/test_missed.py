"""A cell added on the second page of a TIFF is of the second page."""

import itertools

import cv2
import numpy as np

from leuko_edge.model.classify import FixedClassifier
from leuko_edge.pipeline import Pipeline
from leuko_edge.results.photo_session import PhotoSession
from leuko_edge.review.changes import Changes
from leuko_edge.review.namer import Namer
from leuko_edge.simulate.demo import fields
from leuko_edge.sources.pictures import Pictures
from leuko_edge.store import SessionInfo, SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.store.people import Person
from leuko_edge.store.review import REMOVED, Review


def test_a_cell_added_on_the_second_page_of_a_tiff_is_cut_from_that_page(tmp_path):
    pages = [frame.bgr for frame in itertools.islice(fields(3, 20, width=640, height=480), 2)]
    cv2.imwritemulti(str(tmp_path / "two.tif"), pages)
    classifier, database = FixedClassifier("neutrophil"), tmp_path / "s.sqlite3"
    source = Pictures([str(tmp_path / "two.tif")])
    with SessionStore.create(database, SessionInfo(kind="photographs", window_um=24.0)) as store, source:
        session = PhotoSession(store)
        for outcome in Pipeline(classifier, 0.1).run(source):
            session.add(outcome)
    with Archive(database) as archive:
        known = next(cell for cell in archive.record(1).cells if cell.frame == 2)
        before = archive.crop(1, known.id)
    review, who = Review(database), Person("AB", "technologist")
    changes = Changes(review, Namer(lambda: classifier))
    changes.change(1, {"changes": [{"cell": known.id, "before": known.label, "after": REMOVED}]}, who)
    changes.add(1, {"picture": 2, "x": known.x, "y": known.y}, who)
    review.close()
    with Archive(database) as archive:
        added = archive.record(1).cells[-1]
        np.testing.assert_array_equal(archive.crop(1, added.id), before)
        assert added.id != known.id and added.frame == 2

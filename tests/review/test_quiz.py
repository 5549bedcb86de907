"""The quiz as a page, asked as a browser asks it."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from reviewing import LABELS
from starlette.testclient import TestClient

from leuko_edge.model.classify import FixedClassifier
from leuko_edge.review.app import create_app
from leuko_edge.store.people import People
from leuko_edge.store.quizzes import Quizzes
from leuko_edge.store.review import Review

HERE = "http://127.0.0.1:8642"


@pytest.fixture
def signed(database):
    with contextlib.closing(Review(database)) as review:
        review.look(1, range(1, len(LABELS) + 1), "AB", time.time())
        review.sign(1, "AB", time.time())
    return database


@pytest.fixture
def client(signed):
    with TestClient(create_app(signed, lambda: FixedClassifier("eosinophil")), HERE) as made:
        made.cookies.set("leuko_edge_name", "Ada")
        yield made


def post(client, word, body):
    token = re.search(r'name="token" content="(\w+)"', client.get("/").text)[1]
    return client.post(f"/quiz/{word}", json=body, headers={"x-token": token})


def test_cells_are_named_without_their_names_being_sent_and_the_result_is_kept_by_person(client, signed):
    assert "Quiz" in client.get("/").text and "Begin" in client.get("/quiz").text
    begun = post(client, "begin", {"each": 5}).json()
    assert begun == {"at": 0, "of": 5}  # the unidentified one was signed as nothing
    shown = client.get("/quiz").text
    assert "cell 1 of 5" in shown and "/sessions/" not in shown
    truth = [cell.label for cell in Quizzes(signed).unfinished("Ada").asked]
    for at, label in enumerate(truth):
        picture = client.get("/quiz/cell.png")
        assert picture.headers["content-type"] == "image/png" and picture.headers["cache-control"] == "no-store"
        assert post(client, "answer", {"at": at, "said": label, "seconds": 2.5}).status_code == 200
    assert client.get("/quiz/cell.png").status_code == 404
    done = client.get("/quiz").text
    assert "100 %" in done and "2.5" in done and "The last one" in done
    assert [quiz.person for quiz in Quizzes(signed).finished()] == ["Ada"]


def test_an_answer_to_what_was_asked_before_changes_nothing_and_nonsense_is_refused(client, signed):
    post(client, "begin", {"each": 1})
    assert post(client, "answer", {"at": 0, "said": "blast", "seconds": 1}).json()["at"] == 1
    assert post(client, "answer", {"at": 0, "said": "monocyte", "seconds": 1}).json()["at"] == 1
    assert Quizzes(signed).unfinished("Ada").asked[0].said == "blast"
    for body in ({"at": 1, "said": "zebra", "seconds": 1}, {"at": 1, "said": "blast", "seconds": "x"}):
        assert post(client, "answer", body).status_code == 400
    assert post(client, "begin", {"each": 0}).status_code == 400
    assert client.post("/quiz/answer", json={"at": 1, "said": "blast", "seconds": 1}).status_code == 403
    assert post(client, "abandon", {}).json() == {"at": None, "of": 0} and not Quizzes(signed).finished()


def test_what_nobody_signed_is_not_asked(database):
    with TestClient(create_app(database, lambda: FixedClassifier("eosinophil")), HERE) as client:
        refused = post(client, "begin", {"each": 2})
    assert refused.status_code == 400 and "at least two classes" in refused.json()["message"]


def test_who_is_not_logged_in_is_sent_to_do_so(signed):
    with TestClient(create_app(signed, lambda: FixedClassifier("eosinophil"), People(signed)), HERE) as client:
        assert client.get("/quiz", follow_redirects=False).headers["location"] == "/login"

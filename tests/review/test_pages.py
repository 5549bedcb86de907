"""The review pages asked as a browser asks them, without one."""

import contextlib
import json
import re
import sqlite3

import pytest
from reviewing import LABELS, counted
from starlette.testclient import TestClient

from leuko_edge.model.classify import FixedClassifier
from leuko_edge.review.app import create_app
from leuko_edge.store.archive import Archive
from leuko_edge.store.people import People
from leuko_edge.types import CLASSES

HERE = "http://127.0.0.1:8642"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch):
    monkeypatch.setattr("leuko_edge.store.people.COSTS", (2**10, 8, 1))


@pytest.fixture
def client(database):
    with TestClient(create_app(database, lambda: FixedClassifier("eosinophil")), HERE) as made:
        yield made


def token(client):
    return re.search(r'name="token" content="(\w+)"', client.get("/").text)[1]


def post(client, word, body, **headers):
    return client.post(f"/sessions/1/{word}", json=body, headers={"x-token": token(client), **headers})


def state(client):
    return client.get("/sessions/1/state").json()


def labels(client):
    return [cell["label"] for cell in state(client)["cells"] if not cell["removed"]]


def one(cell, before, after):
    return {"changes": [{"cell": cell, "before": before, "after": after}]}


def test_sessions_are_listed_and_found_by_sample_and_state(client):
    assert "S-17" in client.get("/").text
    assert "S-17" in client.get("/?q=s-1&state=closed").text
    for other in ("/?q=X", "/?state=signed"):
        assert "No session fits" in client.get(other).text


def test_a_session_gives_its_cells_pictures_outlines_and_files(client):
    found = state(client)
    assert tuple(labels(client)) == LABELS and found["unseen"] == [5, 6]
    assert client.get("/sessions/1").status_code == 200
    assert client.get("/sessions/1/cells/1.png").content.startswith(b"\x89PNG")
    assert client.get("/sessions/1/pictures/1.jpg").content.startswith(b"\xff\xd8")
    assert set(client.get("/sessions/1/outlines/1").json()) == {"1", "2", "3"}
    assert client.get("/sessions/1/report.json").json()["session"]["sample"] == "S-17"
    assert client.get("/sessions/9/state").status_code == 400


def test_the_differential_follows_a_change_and_keeps_what_it_was_before(client):
    answer = post(client, "change", one(3, "monocyte", "lymphocyte")).json()
    assert answer["differential"]["classes"]["lymphocyte"]["count"] == 2
    assert answer["before"]["classes"]["lymphocyte"]["count"] == 1
    assert answer["differential"]["classes"]["monocyte"]["percent"] == 0
    report = client.get("/sessions/1/report.json").json()
    assert report["differential"] == answer["differential"]
    assert report["session"]["events"][-1]["from"] == "monocyte"


def test_two_pages_lose_nothing_of_each_other(client):
    assert post(client, "change", one(1, "neutrophil", "basophil")).status_code == 200
    refused = post(client, "change", one(1, "neutrophil", "monocyte"))
    assert refused.status_code == 409 and refused.json()["code"] == "stale"
    assert labels(client)[0] == "basophil"
    known = state(client)["revision"]
    assert client.get(f"/sessions/1/state?since={known}").status_code == 204
    post(client, "look", {"cells": [5]})
    assert client.get(f"/sessions/1/state?since={known}").status_code == 200


def test_a_missed_cell_is_cropped_and_named_by_the_model_and_a_false_one_taken_out(client):
    x, y = 5.0, 5.0
    added = post(client, "add", {"picture": 2, "x": x, "y": y}).json()["cells"][-1]
    assert (added["label"], added["area"], added["added"]) == ("eosinophil", 2, True)
    assert client.get(f"/sessions/1/cells/{added['id']}.png").status_code == 200
    assert post(client, "add", {"picture": 2, "x": x, "y": y}).status_code == 409
    assert post(client, "change", one(added["id"], "eosinophil", "")).status_code == 200
    assert tuple(labels(client)) == LABELS
    assert post(client, "add", {"picture": 2, "x": -1, "y": 5}).status_code == 400


def test_a_missed_cell_gets_its_own_outline_where_one_is_found(client):
    first = state(client)["cells"][0]
    post(client, "change", one(1, "neutrophil", ""))
    added = post(client, "add", {"picture": 1, "x": first["x"], "y": first["y"]}).json()["cells"][-1]
    outlines = client.get("/sessions/1/outlines/1").json()
    assert len(outlines[str(added["id"])]) > 8 and added["x"] == first["x"]


def test_signing_asks_for_looks_then_locks_and_an_amendment_opens_it_with_its_reason(client):
    refused = post(client, "sign", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "unseen") and "2 cells" in refused.json()["message"]
    post(client, "look", {"cells": [5, 6]})
    client.post("/name", json={"name": "Dr. Å"}, headers={"x-token": token(client)})
    signed = post(client, "sign", {}).json()
    assert signed["state"] == "signed" and signed["signatures"][0]["by"] == "Dr. Å"
    assert post(client, "change", one(1, "neutrophil", "blast")).json()["code"] == "signed"
    assert post(client, "amend", {"reason": " "}).status_code == 409
    assert post(client, "amend", {"reason": "a blast was none"}).json()["state"] == "closed"
    assert post(client, "change", one(6, "blast", "lymphocyte")).status_code == 200
    versions = post(client, "sign", {}).json()["signatures"]
    assert [(one["version"], one["reason"]) for one in versions] == [(1, ""), (2, "a blast was none")]


def test_who_has_signed_is_offered_to_teach_the_site_with_the_cells_named(client):
    named = ("eosinophil",) * 3 + ("monocyte",) * 3
    for cell, (before, after) in enumerate(zip(LABELS, named, strict=True), start=1):
        post(client, "change", one(cell, before, after))
    assert state(client)["teach"] == ""
    offered = post(client, "sign", {}).json()["teach"]
    assert offered.startswith("teach this site with the 6 cells you named: leuko-edge enrol SITE --session 1")
    assert post(client, "amend", {"reason": "a slip"}).json()["teach"] == ""


def needs_second(database):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE session SET second_signature = 1")
        connection.commit()


def signed_by(client, word, name):
    client.post("/name", json={"name": name}, headers={"x-token": token(client)})
    return post(client, word, {})


def test_where_two_must_sign_the_result_is_preliminary_until_another_person_has_signed_too(client, database):
    needs_second(database)
    post(client, "look", {"cells": [5, 6]})
    assert signed_by(client, "countersign", "Dr. B").status_code == 409  # not before the first
    assert signed_by(client, "sign", "Dr. A").json()["awaits_second"]
    assert "waits for a second signature" in client.get("/").text
    assert post(client, "change", one(1, "neutrophil", "blast")).json()["code"] == "signed"
    assert client.get("/sessions/1/report.fhir.json").json()["entry"][0]["resource"]["status"] == "preliminary"
    refused = signed_by(client, "countersign", "dr. a ")
    assert refused.status_code == 409 and "another person" in refused.json()["message"]
    assert not signed_by(client, "countersign", "Dr. B").json()["awaits_second"]
    report = client.get("/sessions/1/report.json").json()["session"]
    assert [(one["by"], one["second_by"]) for one in report["versions"]] == [("Dr. A", "Dr. B")]
    assert report["events"][-1]["who"] == "Dr. B" and not report["awaits_second_signature"]
    fhir = client.get("/sessions/1/report.fhir.json").json()["entry"][0]["resource"]
    assert fhir["status"] == "final" and [one["display"] for one in fhir["performer"]] == ["Dr. A", "Dr. B"]
    assert "Second signature: Dr. B" in client.get("/sessions/1/report.hl7").text
    assert signed_by(client, "countersign", "Dr. C").status_code == 409

    post(client, "amend", {"reason": "a blast was none"})
    assert signed_by(client, "sign", "Dr. B").json()["awaits_second"]
    assert client.get("/sessions/1/report.hl7").status_code == 400  # neither the old version nor this one
    versions = signed_by(client, "countersign", "Dr. A").json()["signatures"]
    assert [(one["by"], one["second_by"]) for one in versions] == [("Dr. A", "Dr. B"), ("Dr. B", "Dr. A")]


def test_a_session_needs_a_second_signature_where_the_setting_said_so_when_it_began(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUKO_EDGE_REVIEW_SECOND_SIGNATURE", "true")
    counted(tmp_path)
    with Archive(tmp_path / "sessions.sqlite3") as archive:
        assert archive.record(1).info.second_signature


def test_a_change_without_our_own_token_or_by_another_name_of_this_machine_is_refused(client, database):
    answer = client.post("/sessions/1/change", json=one(1, "neutrophil", "blast"))
    assert answer.status_code == 403
    assert post(client, "change", one(1, "neutrophil", "blast"), **{"x-token": "0" * 64}).status_code == 403
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert tuple(labels(client)) == LABELS


def test_no_page_may_load_from_elsewhere_or_be_framed(client):
    for address in ("/", "/sessions/1", "/static/review.js"):
        answer = client.get(address)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"(src|href)=.?https?:", answer.text)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": []},
        {"changes": [1]},
        {"changes": [{"cell": "1", "before": "a", "after": "b"}]},
        {"changes": [{"cell": 1, "before": "neutrophil", "after": "fish"}]},
        {"changes": [{"cell": 99, "before": "neutrophil", "after": "blast"}]},
        [],
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing(client, body):
    answer = post(client, "change", body)
    assert answer.status_code == 400 and answer.json()["message"]
    assert tuple(labels(client)) == LABELS


def test_what_people_write_is_text_on_the_page(client):
    nasty = "</script><script>alert(1)</script>"
    post(client, "identify", {"sample": nasty, "operator": '"><b>'})
    for address in ("/", "/sessions/1"):
        text = client.get(address).text
        assert nasty not in text and '"><b>' not in text
    embedded = re.search(r'id="data">(.*?)</script>', client.get("/sessions/1").text, re.S)[1]
    assert json.loads(embedded)["sample"] == nasty


def test_elsewhere_people_log_in_and_may_what_their_role_may(database):
    people = People(database)
    for name, role in (("V", "viewer"), ("T", "technologist"), ("S", "supervisor")):
        people.add(name, role, f"password of {name}")

    def entered(name):
        client = TestClient(create_app(database, lambda: None, people, hosts=()), "http://lab:1")
        assert client.get("/", follow_redirects=False).headers["location"] == "/login"
        assert client.post("/login", data={"name": name, "password": "wrong"}).status_code == 403
        client.post("/login", data={"name": name, "password": f"password of {name}"})
        return client

    viewer, technologist, supervisor = map(entered, "VTS")
    assert post(viewer, "change", one(1, "neutrophil", "basophil")).status_code == 403
    assert post(technologist, "change", one(1, "neutrophil", "basophil")).status_code == 200
    post(technologist, "look", {"cells": [5, 6]})
    assert post(technologist, "sign", {}).json()["signatures"][0]["by"] == "T"
    assert post(technologist, "amend", {"reason": "x"}).status_code == 403
    assert post(supervisor, "amend", {"reason": "x"}).status_code == 200
    supervisor.post("/logout")
    assert supervisor.get("/sessions/1/state", follow_redirects=False).status_code == 303


def test_passwords_cannot_be_tried_for_ever(database):
    People(database).add("V", "viewer", "password of V")
    client = TestClient(create_app(database, lambda: None, People(database), hosts=()), "http://lab:1")
    tries = [client.post("/login", data={"name": "V", "password": "wrong"}).status_code for _ in range(7)]
    assert tries == [403] * 5 + [429] * 2
    assert client.post("/login", data={"name": "V", "password": "password of V"}).status_code == 429


def test_every_class_has_its_key_on_the_page(client):
    embedded = re.search(r'id="data">(.*?)</script>', client.get("/sessions/1").text, re.S)[1]
    assert set(json.loads(embedded)["keys"]) == {*CLASSES, "unidentified"}

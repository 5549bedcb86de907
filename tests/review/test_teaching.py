"""The page's "Teach this site": who may, what is refused, and what a person is told."""

import threading

import pytest
from reviewing import LABELS, served
from starlette.testclient import TestClient

from leuko_edge.errors import EnvironmentBroken, NothingCountable
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.results.teaching import Taught
from leuko_edge.review.app import create_app
from leuko_edge.store.people import People
from leuko_edge.store.review import Change, Review

HERE = "http://127.0.0.1:8642"
FIGURES = {
    "balanced_accuracy": 0.8,
    "balanced_accuracy_95": [0.7, 0.9],
    "recall": {"eosinophil": 0.8},
    "ece": 4.0,
    "normal_bias": 3.0,
    "normal_bias_class": "eosinophil",
}


class Teacher:
    """Teaches nothing, and keeps what it was asked."""

    def __init__(self, said="site A: 6 named cells", error=None):
        self.said, self.error, self.asked = said, error, []
        self.may_end = threading.Event()
        self.may_end.set()
        self.began = threading.Event()

    def __call__(self, session, name, who):
        self.asked.append((session, name, who))
        self.began.set()
        self.may_end.wait(10)
        if self.error:
            raise self.error
        return Taught(name, self.said, FIGURES, {**FIGURES, "balanced_accuracy": 0.9}, ("blast 1: fewer than 3",))


@pytest.fixture
def signed(database):
    """The session, of which six cells were named and which is signed."""
    named = ("eosinophil",) * 3 + ("monocyte",) * 3
    review = Review(database)
    changes = [Change(n, *one) for n, one in enumerate(zip(LABELS, named, strict=True), 1) if one[0] != one[1]]
    review.change(1, changes, "AB", 1.0)
    review.look(1, range(1, 7), "AB", 2.0)
    review.sign(1, "AB", 3.0)
    review.close()
    return database


def opened(database, teacher, people=None, name="Dr. C"):
    client = TestClient(
        create_app(database, lambda: FixedClassifier("eosinophil"), people, site="A", teach=teacher), HERE
    )
    if people is None and name:
        client.post("/name", json={"name": name}, headers={"x-token": token(client)})
    return client


def token(client):
    return client.get("/").text.split('name="token" content="')[1].split('"')[0]


def teach(client, **body):
    return client.post("/sessions/1/teach", json=body, headers={"x-token": token(client)})


def test_a_person_asks_and_is_told_before_and_after_and_what_taught_nothing(signed):
    teacher = Teacher()
    client = opened(signed, teacher)
    assert client.get("/sessions/1/state").json()["teachable"] == 6 and not teacher.asked
    told = teach(client, site=" A ").json()
    assert teacher.asked == [(1, "A", "Dr. C")] and told["written"]
    first, before, after, ended = told["lines"]
    assert (first, before[:12], after[:8]) == ("blast 1: fewer than 3", "as shipped: ", "taught: ")
    assert "80.0%" in before and "90.0%" in after and "--site A" in ended


def test_where_nothing_is_gained_the_page_says_so(signed):
    told = teach(opened(signed, Teacher(said="")), site="A").json()
    assert not told["written"] and "no site was written" in told["lines"][-1]


@pytest.mark.parametrize("body", [{}, {"site": ""}, {"site": 3}])
def test_a_site_needs_a_name(signed, body):
    teacher = Teacher()
    assert teach(opened(signed, teacher), **body).status_code == 400 and not teacher.asked


def test_who_has_no_name_teaches_nothing(signed):
    teacher = Teacher()
    answer = teach(opened(signed, teacher, name=""), site="A")
    assert answer.status_code == 409 and "say who you are" in answer.json()["message"] and not teacher.asked


@pytest.mark.parametrize(
    "error, status", [(NothingCountable("too few cells"), 409), (EnvironmentBroken("the disk is full"), 503)]
)
def test_what_goes_wrong_is_a_sentence(signed, error, status):
    answer = teach(opened(signed, Teacher(error=error)), site="A")
    assert answer.status_code == status and answer.json()["message"] == str(error)


def test_only_a_supervisor_teaches(signed, monkeypatch):
    monkeypatch.setattr("leuko_edge.store.people.COSTS", (2**10, 8, 1))
    people, teacher = People(signed), Teacher()
    for role, status in (("technologist", 403), ("supervisor", 200)):
        people.add(role, role, "a long password")
        client = opened(signed, teacher, people)
        client.post("/login", data={"name": role, "password": "a long password"})
        assert teach(client, site="A").status_code == status
        assert ('"may_teach": true' in client.get("/sessions/1").text) == (status == 200)
    assert teacher.asked == [(1, "A", "supervisor")]


def test_one_site_is_taught_at_a_time(signed):
    teacher = Teacher()
    teacher.may_end.clear()
    client = opened(signed, teacher)
    first = threading.Thread(target=teach, args=[client], kwargs={"site": "A"})
    first.start()
    assert teacher.began.wait(10)
    busy = teach(client, site="B")
    teacher.may_end.set()
    first.join(10)
    assert (busy.status_code, busy.json()["code"]) == (409, "busy") and len(teacher.asked) == 1


def test_pages_without_a_teacher_have_no_such_address(signed):
    client = opened(signed, None)
    assert teach(client, site="A").status_code == 404
    assert '"may_teach": false' in client.get("/sessions/1").text


@pytest.mark.browser
def test_the_button_comes_with_the_signature_and_tells_what_came_of_it(browser, signed):
    from browsing import find, until

    teacher = Teacher()
    with served(signed, site="A", teach=teacher) as address:
        browser.get(f"{address}/sessions/1")
        until(browser, lambda: find(browser, "#teach-button").is_displayed())
        assert not find(browser, "#teach").text
        find(browser, "#teach-button").click()
        assert find(browser, "#teach-site").get_attribute("value") == "A"
        assert "6 cells" in find(browser, "#teach-what").text and not teacher.asked
        find(browser, "#teacher").clear()
        find(browser, "#teacher").send_keys("Dr. C")
        find(browser, "#teach-now").click()
        until(browser, lambda: "90.0%" in find(browser, "#teach-lines").text)
        assert teacher.asked == [(1, "A", "Dr. C")]
        teacher.error = NothingCountable("too few cells")
        find(browser, "#teach-now").click()
        until(browser, lambda: find(browser, "#teach-told").text == "too few cells")
        assert not find(browser, "#teach-lines").text

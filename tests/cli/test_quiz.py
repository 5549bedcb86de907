"""`leuko-edge quiz`: names given blind, kept by person, and what they come to."""

from __future__ import annotations

import io
import re
from collections import Counter

import cv2
import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell

from leuko_edge.cli.main import main
from leuko_edge.screen.keys import CLASS_KEYS
from leuko_edge.store import SessionStore
from leuko_edge.store.quizzes import Quizzes

KEY = {label: key for key, label in CLASS_KEYS.items()}
SIGNED = ("neutrophil",) * 6 + ("lymphocyte",) * 3 + ("monocyte",) * 2


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "sessions.sqlite3"
    store = SessionStore.create(path, INFO, START)
    for number, label in enumerate(SIGNED, 1):
        store.add_cell(new_cell(label, number), ACCOUNTS)
    store.sign("A. B.", START + 50)
    store.close(at=START + 60)
    return path


def answer(monkeypatch, words: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(words))


def quiz(database, *more: str) -> int:
    return main(["quiz", *more, "--database", str(database)])


def asked(database, person: str = "Ada") -> list[str]:
    left = Quizzes(database).unfinished(person)
    return [] if left is None else [cell.label for cell in left.asked]


def test_who_names_every_cell_as_signed_agrees_wholly_and_it_is_kept(database, monkeypatch, capsys):
    answer(monkeypatch, "q\n")
    assert quiz(database, "Ada", "--per-class", "3") == 0 and asked(database) == []  # left before the first answer
    answer(monkeypatch, "1\nq\n")
    assert quiz(database, "Ada", "--per-class", "3") == 0
    labels = asked(database)
    assert Counter(labels) == {"neutrophil": 3, "lymphocyte": 3, "monocyte": 2}
    assert "1 of 8 are kept" in capsys.readouterr().out
    answer(monkeypatch, "".join(f"{KEY[label]}\n" for label in labels[1:]))
    assert quiz(database, "Ada", "--resume") == 0
    right = 8 if labels[0] == "neutrophil" else 7
    shown = capsys.readouterr().out
    assert f"{100 * right / 8:.0f} %" in shown and "rows as signed" in shown and "κ" in shown
    assert quiz(database, "--results", "Ada") == 0
    assert "Ada" in capsys.readouterr().out
    assert asked(database) == [] and len(Quizzes(database).finished("Ada")) == 1


def test_no_name_is_shown_before_the_end(database, monkeypatch, capsys):
    answer(monkeypatch, "1\n" * 5 + "q\n")
    quiz(database, "Ada", "--per-class", "2")
    said = capsys.readouterr()
    assert "shows no colours; name --picture FILE" in said.err
    shown = re.sub(r"; 1 neutrophil, .*", "", said.out)  # the legend of keys
    assert "▀" in shown and "cell 5 of 6" in shown
    assert not any(label in shown for label in SIGNED)


def test_the_order_is_another_each_time(database, monkeypatch):
    seen = set()
    for _ in range(6):
        answer(monkeypatch, "1\nq\n")
        quiz(database, "Ada", "--per-class", "20")
        seen.add(tuple(asked(database)))
    assert len(seen) > 1
    assert all(Counter(order) == Counter(SIGNED) for order in seen)


def test_a_quiz_that_was_left_is_forgotten_by_the_next_and_counts_for_nothing(database, monkeypatch, capsys):
    for _ in range(2):
        answer(monkeypatch, "1\n2\n")  # and then nobody is there any more
        assert quiz(database, "Ada") == 0
    assert "is forgotten" in capsys.readouterr().err
    assert quiz(database, "--results") == 2 and "no quiz was finished" in capsys.readouterr().err
    assert quiz(database, "Ada", "--abandon") == 0 and asked(database) == []
    assert quiz(database, "Ada", "--resume") == 2 and "left no quiz" in capsys.readouterr().err


def test_two_people_are_kept_apart_and_confusions_are_said_in_words(database, monkeypatch, capsys):
    for person in ("Ada", "Bob"):
        answer(monkeypatch, "x\n" + "1\n" * 11)  # what is no key is asked again
        assert quiz(database, person, "--per-class", "9") == 0
    capsys.readouterr()
    assert quiz(database, "--results", "Bob") == 0
    shown = capsys.readouterr().out
    assert "Bob" in shown and "Ada" not in shown
    assert "3 lymphocyte named neutrophil" in shown and "2 monocyte named neutrophil" in shown
    assert "0.00" in shown  # always the same word: no more than chance


def test_a_folder_of_named_pictures_and_a_file_beside_the_terminal(tmp_path, monkeypatch, capsys):
    drawn = np.random.default_rng(3).integers(0, 256, (4, 300, 320, 3), np.uint8)
    for number, label in enumerate(("neutrophil", "neutrophil", "blast", "blast")):
        (tmp_path / "cells" / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "cells" / label / f"{number}.png"), drawn[number])
    beside = tmp_path / "cell.png"
    answer(monkeypatch, "1\n" * 4)
    words = ("Ada", "--labelled", str(tmp_path / "cells"), "--picture", str(beside))
    assert quiz(tmp_path / "new.sqlite3", *words) == 0
    assert cv2.imread(str(beside)).shape == (256, 256, 3)
    said = capsys.readouterr()
    assert "no colours" not in said.err
    assert "2 blast named neutrophil" in said.out
    for file in (tmp_path / "cells").glob("*/*.png"):
        file.write_bytes(b"")
    assert quiz(tmp_path / "new.sqlite3", *words) == 2
    assert "none of the pictures" in capsys.readouterr().err.splitlines()[-1]
    assert len(Quizzes(tmp_path / "new.sqlite3").finished()) == 1
    (tmp_path / "cells" / "zebra").mkdir()
    assert quiz(tmp_path / "new.sqlite3", *words) == 2
    assert "zebra is no class" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "needs the person"),
        (("Ada", "--resume", "--results"), "give one"),
        (("Ada", "--session", "9"), "no session 9"),
        (("Ada", "--labelled", "nowhere"), "cannot be read"),
        (("Ada", "--labelled", "x", "--session", "1"), "two places"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(words, sentence, database, monkeypatch, capsys):
    answer(monkeypatch, "")
    assert quiz(database, *words) == 2 and not Quizzes(database).finished()
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_names_that_nobody_signed_are_no_truth(tmp_path, monkeypatch, capsys):
    path = tmp_path / "sessions.sqlite3"
    store = SessionStore.create(path, INFO, START)
    store.add_cell(new_cell("neutrophil", 1), ACCOUNTS)
    store.close("closed", START + 60)
    answer(monkeypatch, "")
    assert quiz(path, "Ada", "--session", "1") == 2 and "is not signed" in capsys.readouterr().err
    assert quiz(path, "Ada") == 2 and "at least two classes" in capsys.readouterr().err


def test_without_a_database_nothing_is_made_to_say_so(tmp_path, capsys):
    assert quiz(tmp_path / "none.sqlite3", "--results") == 4 and quiz(tmp_path / "none.sqlite3", "Ada") == 4
    assert "there is no session database" in capsys.readouterr().err and not list(tmp_path.iterdir())

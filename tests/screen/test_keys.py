import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from leuko_edge.screen import keyboard as terminal
from leuko_edge.screen.keyboard import ESCAPE_WAIT, Decoder, Keys, has_keyboard
from leuko_edge.screen.keys import CLASS_KEYS, Dialogue
from leuko_edge.session import Action
from leuko_edge.types import CLASSES, LEUKOCYTES, UNIDENTIFIED

EDGE = Path(__file__).resolve().parents[2] / "edge"


def said(keys, cells=(87, 86, 85), **named) -> list[Action]:
    dialogue = Dialogue()
    return [action for key in keys if (action := dialogue.feed(key, cells, **named)) is not None]


def test_every_class_has_one_key_and_the_numbers_are_those_of_the_table():
    assert sorted(CLASS_KEYS.values()) == sorted((*CLASSES, UNIDENTIFIED))
    assert tuple(CLASS_KEYS[key] for key in "123456vl") == LEUKOCYTES


@pytest.mark.parametrize(
    ("keys", "kind"), [("p", "pause"), (" ", "pause"), ("P", "pause"), ("u", "undo"), ("b", "redo")]
)
def test_pause_and_undo_act_at_once(keys, kind):
    assert said(keys) == [Action(kind)]


def test_a_class_key_changes_the_last_cell_that_was_shown():
    assert said("2") == [Action("reclassify", "lymphocyte", 87)]
    assert said("0", ()) == [Action("reclassify", "unidentified", None)]


def test_quitting_asks_whether_to_sign():
    assert said("qy", operator="AB") == [Action("sign")] and said("qn") == [Action("quit")]
    assert said(["q", "esc", "u"]) == [Action("undo")]
    dialogue = Dialogue()
    assert dialogue.question == ""
    dialogue.feed("q")
    assert "Sign" in dialogue.question and "y" in dialogue.question
    dialogue.feed("y", operator="AB")
    assert dialogue.question == ""


def test_while_a_question_is_open_other_keys_do_nothing():
    assert said("qpu2 y", operator="AB") == [Action("sign")]
    assert said("apu2y") == [Action("new_area")]
    assert said("rpuqn") == []


def test_a_new_slide_ends_this_count_signed_or_not_and_another_area_is_another_key():
    assert said("n") == [] and said("ny", operator="AB") == [Action("sign", next_slide=True)]
    assert said("nn") == [Action("quit", next_slide=True)] and said(["n", "esc", "p"]) == [Action("pause")]
    assert said("a") == [] and said("ay") == [Action("new_area")]
    assert said("anp") == [Action("pause")] and said(["a", "esc", "p"]) == [Action("pause")]


def test_who_signs_is_asked_for_where_nobody_was_named():
    assert said("qy") == said(["q", "y", "enter", " ", "enter"]) == []  # no signature without a name
    assert said(["q", "y", *"Dr. Xo", "back", "enter"]) == [Action("sign", operator="Dr. X")]
    assert said(["n", "y", *"AB", "enter"]) == [Action("sign", operator="AB", next_slide=True)]
    assert said(["q", "y", "A", "esc", "p"]) == [Action("pause")]
    dialogue = Dialogue()
    for key in ["q", "y", "A"]:
        dialogue.feed(key)
    assert dialogue.question.startswith("Who signs? A_")


def test_a_session_is_given_its_sample_and_operator_by_keys():
    keys = ["i", *"4711", "enter", *"AB", "enter"]
    assert said(keys) == [Action("identify", sample="4711", operator="AB")]
    changed = [Action("identify", sample="S-", operator="MK")]
    assert said(["i", "back", "enter", "enter"], sample="S-1", operator="MK") == changed
    assert said(["i", "1", "esc", "p"]) == said(["i", "1", "enter", "esc", "p"]) == [Action("pause")]


def test_r_holds_the_cell_while_others_are_counted():
    dialogue = Dialogue()
    assert dialogue.feed("r", (87, 86, 85)) is None and "87" in dialogue.question
    assert dialogue.feed("3", (89, 88, 87)) == Action("reclassify", "monocyte", 87)
    assert dialogue.question == ""


def test_r_again_goes_back_cell_by_cell_and_stops_at_the_oldest_shown():
    assert said("rr4") == [Action("reclassify", "eosinophil", 86)]
    assert said("rrrrr4") == [Action("reclassify", "eosinophil", 85)]
    assert said(["r", "esc", "4"]) == [Action("reclassify", "eosinophil", 87)]
    assert said("r4", ()) == [Action("reclassify", "eosinophil", None)]  # no cell yet: r asks nothing


@pytest.mark.parametrize("key", ["x", "ä", "名", "esc", "\x1b"])
def test_other_keys_mean_nothing(key):
    assert said([key, "p"]) == [Action("pause")]


SEQUENCES = [
    *(b"\x1b[A", b"\x1bOA", b"\x1b[1;5D", b"\x1b[3~", b"\x1b[15~", b"\x1bOP", b"\x1b[[A", b"\x1bu", b"\x1b[Z"),
    *(b"\x1b[200~", b"\x1bO1;5u", b"\x1b[<0;12;24M"),
]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_arrows_and_function_keys_are_not_taken_for_letters(sequence):
    assert Decoder().feed(b"p" + sequence + b"q", 0.0) == ["p", "q"]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_may_come_in_pieces(sequence):
    decoder = Decoder()
    seen = [key for n in range(len(sequence)) for key in decoder.feed(sequence[n : n + 1], 0.01 * n)]
    assert seen == [] and decoder.feed(b"u", 9.0) == ["u"]


def test_the_escape_key_itself_is_known_by_the_silence_after_it():
    decoder = Decoder()
    assert decoder.feed(b"\x1b", 5.0) == [] and decoder.feed(b"", 5.0 + ESCAPE_WAIT / 2) == []
    assert decoder.feed(b"", 5.0 + ESCAPE_WAIT) == ["esc"] and decoder.feed(b"", 9.0) == []
    assert decoder.feed(b"p", 9.0) == ["p"]
    assert decoder.feed(b"\x1b\x1b", 10.0) + decoder.feed(b"", 11.0) == ["esc", "esc"]


def test_a_sequence_broken_off_is_forgotten():
    decoder = Decoder()
    assert decoder.feed(b"\x1b[1", 5.0) + decoder.feed(b"", 6.0) + decoder.feed(b"u", 6.0) == ["u"]


def test_letters_of_several_bytes_arrive_whole_and_broken_ones_do_no_harm():
    decoder = Decoder()
    assert decoder.feed("ä名".encode()[:3], 0.0) + decoder.feed("ä名".encode()[3:], 0.0) == ["ä", "名"]
    assert decoder.feed(b"p\xff\xfe\x00\x13\x7fu", 0.0) == ["p", "back", "u"]


@pytest.fixture
def tty():
    """(the keyboard's end, the program's end) of a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "r") as stream:
        yield master, stream
    os.close(master)


def typed(keys: Keys, wanted: int) -> list[str]:
    seen, until = [], time.monotonic() + 5
    while len(seen) < wanted and time.monotonic() < until:
        seen += keys.poll()
        time.sleep(0.01)
    return seen


def test_keys_arrive_without_enter_and_are_not_echoed(tty):
    master, stream = tty
    with Keys(stream) as keys:
        assert keys.poll() == []
        os.write(master, "pä\x1b[A\x131".encode())
        assert typed(keys, 3) == ["p", "ä", "1"]
        assert not select.select([master], [], [], 0.1)[0]


def test_the_escape_key_arrives_by_itself(tty):
    master, stream = tty
    with Keys(stream) as keys:
        os.write(master, b"\x1b")
        assert typed(keys, 1) == ["esc"]


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_the_terminal_is_as_before_whatever_ends_the_program(tty, error):
    _, stream = tty
    before = termios.tcgetattr(stream)
    try:
        with Keys(stream):
            assert termios.tcgetattr(stream) != before
            if error is not None:
                raise error
    except (KeyboardInterrupt, SystemExit, ZeroDivisionError):
        pass
    assert termios.tcgetattr(stream) == before


def test_what_was_typed_and_not_read_does_not_reach_the_shell(tty):
    master, stream = tty
    with Keys(stream):
        os.write(master, b"rm\n")
        time.sleep(0.05)
    assert not select.select([stream], [], [], 0.1)[0]


def test_without_a_terminal_nothing_is_read(tmp_path):
    (tmp_path / "pipe").write_text("q")
    with open(tmp_path / "pipe") as stream, Keys(stream) as keys:
        assert keys.poll() == [] and stream.read() == "q" and not has_keyboard(stream)
    with Keys(io.StringIO("q")) as keys:
        assert keys.poll() == [] and not has_keyboard(io.StringIO())
    closed = io.StringIO()
    closed.close()
    assert not has_keyboard(closed)


def test_a_terminal_that_goes_away_gives_no_more_keys():
    master, slave = pty.openpty()
    with os.fdopen(slave, "r") as stream, Keys(stream) as keys:
        os.close(master)
        assert keys.poll() == [] and keys.poll() == []


def test_a_terminal_in_the_hands_of_another_program_is_left_alone(tty, monkeypatch):
    master, stream = tty
    ours = [False]
    monkeypatch.setattr(terminal, "in_foreground", lambda _: ours[0])
    before = termios.tcgetattr(stream)
    with Keys(stream) as keys:
        os.write(master, b"p")
        assert keys.poll() == [] and termios.tcgetattr(stream) == before
        ours[0] = True
        keys.poll()
        assert termios.tcgetattr(stream) != before
        os.write(master, b"u")
        assert "u" in typed(keys, 1)


def test_signals_are_handled_again_as_before(tty):
    watched = (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
    before = [signal.getsignal(number) for number in watched]
    with Keys(tty[1]):
        assert [signal.getsignal(number) for number in watched] != before
    assert [signal.getsignal(number) for number in watched] == before


def test_a_signal_that_the_program_handles_itself_is_left_to_it(tty):
    def own(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        with Keys(tty[1]):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


COUNTS = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and children inherit that
from leuko_edge.screen.keyboard import Keys
def say(word): print(word, flush=True)
with Keys(leave=lambda: say("LEFT"), enter=lambda: say("ENTERED")) as keys:
    say("READY")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for key in keys.poll():
            say("KEY " + key)
            if key == "q":
                sys.exit(0)
        time.sleep(0.01)
"""

SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    print("STOPPED", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)
"""


class Session:
    """A program with a terminal of its own, as a person at a keyboard has it."""

    def __init__(self, *arguments: str) -> None:
        self.master, self.slave = pty.openpty()
        self.program = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # a leader's first terminal is its own
            env={**os.environ, "PYTHONPATH": str(EDGE)},
        )
        self.seen = b""

    def wait_for(self, word: bytes) -> None:
        until = time.monotonic() + 20
        while word not in self.seen:
            assert time.monotonic() < until, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096)
        self.seen = self.seen[self.seen.index(word) + len(word) :]

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    @property
    def settings(self) -> list:
        return termios.tcgetattr(self.slave)


@contextmanager
def session(*arguments: str):
    running = Session(*arguments)
    try:
        yield running
    finally:
        running.program.kill()
        running.program.wait()
        os.close(running.master)
        os.close(running.slave)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_program_told_to_end_puts_the_terminal_back(number):
    with session(COUNTS) as running:
        before = running.settings
        running.wait_for(b"READY")
        assert running.settings != before
        running.program.send_signal(number)
        code = running.program.wait(10)
        assert running.settings == before
        assert code == (-signal.SIGINT if number == signal.SIGINT else 128 + number)


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again():
    with session(SHELL, COUNTS) as running:
        before = running.settings
        running.wait_for(b"READY")
        raw = running.settings
        running.type(b"\x1a")
        running.wait_for(b"LEFT")
        running.wait_for(b"STOPPED")
        assert running.settings == before != raw
        running.type(b"fg\n")
        running.wait_for(b"ENTERED")
        assert running.settings == raw
        running.type(b"p")
        running.wait_for(b"KEY p")
        running.type(b"\x1a")
        running.wait_for(b"STOPPED")
        running.type(b"fg\n")
        running.wait_for(b"ENTERED")
        running.type(b"q")
        assert running.program.wait(10) == 0
        assert running.settings == before

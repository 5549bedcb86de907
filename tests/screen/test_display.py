import io
import itertools
import os
import pty
import select
from dataclasses import replace

import pytest
from rich.console import Console
from snapshots import COUNTS, snapshot

from leuko_edge.decision import Decision
from leuko_edge.screen import full_screen
from leuko_edge.screen.bars import interval_bar
from leuko_edge.screen.full_screen import Screen, render
from leuko_edge.screen.plain_lines import Plain
from leuko_edge.screen.words import cell, clock, goal
from leuko_edge.session import Accounts, Advice, End, Light, Shown
from leuko_edge.tally import Share

WARNING = "the disk is nearly full: counting will stop soon"


def lines(seen, width=80, height=24, **how) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(render(seen, width, height, **how))
    return console.file.getvalue().splitlines()


def text(seen, *size, **how) -> str:
    return "\n".join(lines(seen, *size, **how))


def row(seen, label: str) -> str:
    return next(line for line in lines(seen) if line[2:].startswith(label))


def row_of(shown: str, start: str) -> str:
    return next(line for line in shown.splitlines() if line.startswith(start))


def test_eighty_by_twenty_four_holds_all_that_is_asked_of_the_display():
    shown = text(snapshot(advice=Advice.FOCUS))
    for part in (
        "S-117",
        "operator MK",
        "usb-camera",
        "FOCUS",
        "nRBC per 100 WBC 2.3 (2)",
        "unidentified 3",
        "platelet 9, artefact 4",
        "87 of 200 cells",
        "focus: sharp · motion: still · light: good · 3 cells in view · 1 waiting",
        "0:12:31 · 15.2 frames a second · 0.104 µm per px · 2 areas",
        "frames 1204 = 1010 counted + 160 skipped + 34 dropped",
        "skipped: moving 102, defocused 40, lost 18",
        "last cell: 87 neutrophil 98 % · 86 immature granulocyte 91 %",
        "85 monocyte, set by MK · 84 neutrophil 99 %",
        "p pause",
        "Not a medical device",
    ):
        assert part in shown


def test_a_row_says_key_class_count_share_interval_range_and_flag():
    words = row(snapshot(), "basophil").split()
    assert words[:4] == ["5", "basophil", "0", "0.0"] and words[4] == "0.0–4.2" and words[-2:] == ["0.5–1", "–"]
    assert row(snapshot(), "neutrophil").split()[:5] == ["1", "neutrophil", "52", "59.8", "48.7–70.1"]


SIZES = [(60, 18), (61, 19), (80, 24), (79, 25), (95, 30), (120, 40), (240, 70)]
HARD = {
    "sample": "S" * 300,
    "source": "/dev/v4l/by-id/" + "x" * 300,
    "operator": "名前" * 40,
    "warning": WARNING * 9,
    "simulated": True,
    "truth": COUNTS,
    "target": None,
    "precision": 5.0,
    "last": tuple(Shown(n, "immature_granulocyte", 1.0, "model") for n in range(9999, 9900, -1)),
}


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("change", [{}, HARD], ids=["usual", "hard"])
def test_it_fits_the_terminal_whatever_is_shown(width, height, change):
    drawn = render(snapshot(**change), width, height)
    assert len(drawn.renderables) <= height
    assert all(line.cell_len <= width for line in drawn.renderables)
    shown = "\n".join(line.plain for line in drawn.renderables)
    for part in ("neutrophil", "imm", "normal", "87", "COUNTING", "Not a medical device", "frames 1204"):
        assert part in shown
    assert not change or ("SIMULATED" in shown and "WARNING" in shown)


def test_a_larger_terminal_shows_more():
    few, many = text(snapshot(), 60, 18), text(snapshot(), 120, 40)
    assert "2 areas" not in few and "2 areas" in many
    assert "84 neutrophil 99 %" not in few and "           84 neutrophil 99 %" in many.splitlines()


@pytest.mark.parametrize(("width", "height"), [(59, 24), (80, 17), (20, 5), (1, 1)])
def test_a_terminal_too_small_gets_one_sentence_that_says_how_large_it_must_be(width, height):
    drawn = render(snapshot(), width, height)
    (sentence,) = drawn.renderables
    assert sentence.plain.count(".") == 1 and "60×18" in sentence.plain and f"{width}×{height}" in sentence.plain
    assert "87 of 200 cells" in sentence.plain and "goes on" in sentence.plain


def test_simulated_cells_are_called_so_and_their_truth_stands_beside_the_count():
    shown = snapshot(simulated=True, truth={"neutrophil": 3, "lymphocyte": 1, "platelet": 7})
    assert text(shown).count("SIMULATED") == 2 and "true %" in text(shown)
    assert row(shown, "neutrophil").split()[4] == "75.0"
    assert "SIMULATED" in lines(shown, 60, 18)[0]
    assert "SIMULATED" not in text(snapshot())


def test_nothing_is_claimed_before_the_first_cell():
    empty = snapshot({}, last=(), um_per_px=None)
    assert row(empty, "neutrophil").split()[:5] == ["1", "neutrophil", "0", "–", "–"]
    assert "◆" not in text(empty).replace("bars: ◆", "") and "measuring µm per px" in text(empty)
    assert "last cell" not in text(empty)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"advice": Advice.FOCUS}, "FOCUS   turn the fine focus"),
        ({"advice": Advice.HOLD_STILL}, "HOLD STILL"),
        ({"advice": Advice.LIGHT, "light": Light.DARK}, "SET THE LIGHT   it is too dark"),
        ({"advice": Advice.GO_BACK}, "LOST   hold still, or go back a little"),
        ({"advice": Advice.MOVE_ON}, "MOVE TO WHERE THE CELLS ARE"),
        ({"advice": Advice.RESUME}, "PAUSED   p goes on"),
        ({"done": End.PRECISION, "target": None, "precision": 7.5}, "EVERY 95 % INTERVAL IS WITHIN 7.5 POINTS"),
        ({"done": End.STOPPED}, "STOPPED BY THE OPERATOR"),
        ({"done": End.SOURCE}, "THE SOURCE HAS ENDED"),
        ({"advice": Advice.FOCUS, "paused": True}, "PAUSED   p goes on"),
        ({"paused": True, "done": End.TARGET}, "TARGET OF 200 CELLS REACHED"),
    ],
)
def test_the_most_urgent_thing_is_said_large(change, expected):
    assert lines(snapshot(**change))[2].strip().startswith(expected)


def test_a_question_takes_the_place_of_the_advice():
    shown = text(snapshot(advice=Advice.FOCUS), question="Sign? y/n")
    assert "Sign? y/n" in shown and "FOCUS" not in shown


def test_without_a_keyboard_no_key_is_offered():
    shown = text(snapshot(), keys=False)
    assert "Ctrl-C" in shown and "p pause" not in shown and "class keys" not in shown and "1 neutrophil" not in shown


def test_a_terminal_that_writes_only_ascii_gets_only_ascii():
    shown = text(snapshot(simulated=True, sample="µ名", waiting=0), ascii_only=True)
    assert shown.isascii() and "um per px" in shown and "48.7-70.1" in shown and "*" in row_of(shown, "1 neutrophil")


def test_names_from_outside_cannot_move_the_cursor():
    shown = text(snapshot(sample="a\x1b[2J\nb", operator="\x07", warning="x\ry"))
    assert "\x1b" not in shown and "\x07" not in shown and "\r" not in shown


def test_a_bar_runs_from_nought_to_a_hundred_with_range_interval_and_estimate():
    share = Share("neutrophil", 50, 50.0, (35.0, 80.0), (20.0, 60.0), "normal")
    assert interval_bar(share, 20).plain == "    ░░░═══◆═────    "
    whole = Share("neutrophil", 9, 100.0, (66.4, 100.0), None, None)
    assert interval_bar(whole, 10).plain == "      ───◆"
    none = Share("basophil", 0, None, (0.0, 100.0), (0.5, 1.0), None)
    assert interval_bar(none, 10).plain == "░         "


def test_the_interval_that_grows_narrower_is_a_shorter_bar():
    wide, narrow = (
        interval_bar(Share("x", 1, 50.0, limits, None, None), 40).plain for limits in ((30.0, 70.0), (45.0, 55.0))
    )
    assert len(wide.strip()) == 16 and len(narrow.strip()) == 4


def test_the_goal_is_cells_or_precision_or_none():
    assert goal(snapshot()) == ("87 of 200 cells", 87 / 200)
    assert goal(snapshot(target=50))[1] == 1
    words, share = goal(snapshot(target=None, precision=10.7))
    assert words == "87 cells, widest interval 21.4 points, goal 10.7" and share == pytest.approx(0.25)
    assert goal(snapshot(target=None)) == ("87 cells", None)
    assert "%" not in row_of(text(snapshot(target=None)), "87 cells")


def test_what_an_unidentified_cell_is_sure_of_is_said():
    assert cell(Shown(9, "unidentified", 0.89, "model", "neutrophil")) == "9 unidentified (neutrophil? 89 %)"
    assert cell(Shown(9, "unidentified", 0.89, "model")) == "9 unidentified"
    assert cell(Shown(9, "unidentified", 0.89, "MK", "neutrophil")) == "9 unidentified, set by MK"


def test_what_the_count_is_to_tell_stands_below_how_far_it_is():
    asked = snapshot(decisions=(Decision.parse("blast>0").standing(0, 87),))
    shown = text(asked).splitlines()
    (line,) = [n for n, one in enumerate(shown) if "blast present? count about 212 more to tell 1 %" in one]
    assert "87 of 200 cells" in shown[line - 1]


def test_elapsed_time_reads_as_a_clock():
    assert [clock(s) for s in (0, 59.9, 3600, 36061)] == ["0:00:00", "0:00:59", "1:00:00", "10:01:01"]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(width=80, height=24, **how) -> Console:
    return Console(file=Tty(), force_terminal=True, width=width, height=height, _environ={"TERM": "xterm"}, **how)


def test_the_screen_is_taken_drawn_and_given_back():
    console = on_a_terminal()
    with Screen(console) as shown:
        shown.show(snapshot())
    written = console.file.getvalue()
    assert written.startswith("\x1b[?1049h") and "\x1b[?25l" in written and "neutrophil" in written
    assert written.endswith("\x1b[?1049l") and "\x1b[?25h" in written[written.index("neutrophil") :]


def test_the_screen_is_given_back_when_counting_fails():
    console = on_a_terminal()
    with pytest.raises(ZeroDivisionError), Screen(console) as shown:
        shown.show(snapshot())
        raise ZeroDivisionError
    assert console.file.getvalue().endswith("\x1b[?1049l")


@pytest.fixture
def at(monkeypatch):
    """Sets the time that the screen sees; drawing takes none unless told."""
    now = [100.0]
    monkeypatch.setattr(full_screen.time, "monotonic", lambda: now[0])
    return now


def draws(console: Console, shown: Screen, seen, question: str = "") -> bool:
    before = len(console.file.getvalue())
    shown.show(seen, question)
    return len(console.file.getvalue()) > before


def test_frames_without_news_are_drawn_eight_times_a_second(at):
    console = on_a_terminal()
    seen = snapshot()
    with Screen(console) as shown:
        drawn = 0
        for frame in range(100):
            at[0] = 100 + frame / 50
            drawn += draws(console, shown, replace(seen, elapsed=frame / 50))
    assert 14 <= drawn <= 17


def test_a_new_cell_another_advice_a_question_and_the_end_are_drawn_without_delay(at):
    console = on_a_terminal()
    newer = (Shown(88, "basophil", 0.9, "model"), *snapshot().last)
    seen = [{}, {"last": newer}, {"last": newer, "advice": Advice.FOCUS}, {"last": newer, "done": End.SIGNED}]
    with Screen(console) as shown:
        for changes in seen:
            at[0] += 0.001
            assert draws(console, shown, snapshot(**changes))
        at[0] += 0.001
        assert draws(console, shown, snapshot(), "Sign?")
        assert not draws(console, shown, snapshot(), "Sign?")


def test_a_slow_terminal_still_shows_the_end(at, monkeypatch):
    console = on_a_terminal()
    with Screen(console) as shown:
        slow_down(console, at, monkeypatch)
        assert draws(console, shown, snapshot())
        assert not draws(console, shown, snapshot(advice=Advice.FOCUS))
        assert draws(console, shown, snapshot(done=End.TARGET))


def slow_down(console: Console, at, monkeypatch) -> None:
    """The terminal takes a second for each drawing from now on."""
    write = console.file.write

    def slowly(drawn: str) -> int:
        at[0] += 1.0
        return write(drawn)

    monkeypatch.setattr(console.file, "write", slowly)


def test_a_slow_terminal_is_drawn_on_less_often(at, monkeypatch):
    console = on_a_terminal()
    with Screen(console) as shown:
        slow_down(console, at, monkeypatch)
        times = []
        for cell in itertools.count(1):
            if draws(console, shown, snapshot(last=(Shown(cell, "basophil", 0.9, "model"),))):
                times.append(at[0])
            at[0] += 0.05
            if len(times) == 4:
                break
    assert all(4.5 < later - sooner < 6 for sooner, later in itertools.pairwise(times))


def test_while_the_program_is_stopped_nothing_is_drawn():
    console = on_a_terminal()
    with Screen(console) as shown:
        shown.show(snapshot())
        shown.leave()
        assert console.file.getvalue().endswith("\x1b[?1049l")
        assert not draws(console, shown, snapshot(done=End.STOPPED))
        shown.enter()
        assert draws(console, shown, snapshot())
    assert console.file.getvalue().count("\x1b[?1049h") == 2


def test_it_follows_a_terminal_that_changes_its_size(at):
    console = on_a_terminal()
    with Screen(console) as shown:
        assert draws(console, shown, snapshot()) and "60×18" not in console.file.getvalue()
        console.width, console.height = 50, 12
        at[0] += 1
        assert draws(console, shown, snapshot())
    assert "60×18" in console.file.getvalue()


def test_a_real_terminal_of_another_encoding_gets_ascii():
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="latin-1") as stream:
        console = Console(file=stream, force_terminal=True, width=80, height=24, _environ={"TERM": "xterm"})
        with Screen(console) as shown:
            shown.show(snapshot(sample="é"))
        written = b""
        while select.select([master], [], [], 0.2)[0]:
            written += os.read(master, 65536)
    os.close(master)
    assert b"neutrophil" in written and written.isascii()


def test_the_bell_rings_on_terminals_only():
    console, log = on_a_terminal(), Console(file=io.StringIO())
    Screen(console).bell()
    Plain(log).bell()
    assert console.file.getvalue() == "\x07" and log.file.getvalue() == ""


def logged(*seen, keys: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=40)
    with Plain(console, keys) as shown:
        for each in seen:
            shown.show(each)
    return console.file.getvalue().splitlines()


def test_plain_lines_begin_with_whose_count_it_is_and_what_it_is_not():
    head = logged(snapshot(simulated=True, advice=Advice.FOCUS))
    assert head[0].startswith("SIMULATED") and "S-117" in head[1] and "Not a medical device" in head[2]
    assert "p pause" in head[3] and head[4] == "0:12:31  FOCUS: turn the fine focus until the cells are sharp"
    assert not any("p pause" in line for line in logged(snapshot(), keys=False))


def test_plain_lines_tell_every_tenth_cell_once():
    seen = [snapshot({"neutrophil": n}, elapsed=float(n)) for n in range(1, 42)]
    told = [line for line in logged(*seen) if "cells:" in line]
    assert [line.split()[1] for line in told] == ["10", "20", "30", "40"]
    assert "neutrophil 20 (100.0 %)" in told[1]


def test_plain_lines_do_not_repeat_what_the_camera_says_frame_by_frame():
    still = snapshot()
    shaken = [replace(still, advice=Advice.HOLD_STILL if n % 2 else None, elapsed=n / 20) for n in range(400)]
    assert len(logged(*shaken)) - 3 == 4  # lines in 20 seconds


def test_plain_lines_tell_pausing_warnings_and_the_end_at_once():
    seen = [{}, {"paused": True}, {}, {"warning": WARNING}, {"warning": WARNING}, {"done": End.TARGET}]
    told = logged(*(snapshot(elapsed=1 + n / 30, **change) for n, change in enumerate(seen)))[3:]
    assert [line[9:] for line in told] == [
        "COUNTING",
        "PAUSED: p goes on",
        "COUNTING",
        f"WARNING: {WARNING}",
        "TARGET OF 200 CELLS REACHED",
    ]


def test_plain_lines_ask_questions_too():
    console = Console(file=io.StringIO())
    shown = Plain(console)
    shown.show(snapshot())
    shown.show(snapshot(), "Sign? y/n")
    shown.show(snapshot(), "Sign? y/n")
    assert console.file.getvalue().count("Sign? y/n") == 1


def test_the_accounts_are_shown_as_the_sum_they_are():
    accounts = Accounts(5, {"moving": 2, "lost": 1}, 4)
    assert "frames 12 = 5 counted + 3 skipped + 4 dropped" in text(snapshot(accounts=accounts))
    assert "skipped: none" in text(snapshot(accounts=Accounts()))

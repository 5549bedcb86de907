"""The live display on a full terminal: a pure function from a snapshot to lines, and the screen that shows them."""

from __future__ import annotations

import contextlib
import textwrap
import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..live.snapshot import Snapshot
from ..plain_text import printable
from ..results import table
from ..session import End
from . import bars, words
from .keyboard import in_foreground
from .keys import CLASS_KEYS

LEAST_WIDTH, LEAST_HEIGHT = 60, 18
TALL = 32  # lines from which the last cells have one each
REDRAWS = 8  # a second at most where only the camera's view changes
SHARE = 0.2  # of the time at most goes into drawing, so that a slow terminal slows no count

_BLANK = 9

_Block = tuple[int, Sequence[Text]]  # rank, 0 is never left out; the lines


def render(
    snapshot: Snapshot,
    width: int,
    height: int,
    question: str = "",
    keys: bool = True,
    ascii_only: bool = False,
    hints: Sequence[str] = (),
) -> Group:
    """`snapshot` as at most `height` lines of at most `width` characters; one sentence where that is too small.

    Where lines are short, what matters least is left out. `question` stands in the place of the advice; `keys` is
    False where there is no keyboard to read, `ascii_only` True for a terminal that cannot write "◆"; `hints` are what
    is said of the keys, where that is not the usual.
    """
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        counted = words.goal(snapshot)[0]
        lines = [Text(words.TOO_SMALL.format(counted, LEAST_WIDTH, LEAST_HEIGHT, width, height))]
    else:
        lines = _fitted(_blocks(snapshot, width, height, question, keys, hints), height)
        for line in lines:
            line.truncate(width, overflow="ellipsis")
    return Group(*map(words.to_ascii, lines) if ascii_only else lines)


def _fitted(blocks: list[_Block], height: int) -> list[Text]:
    """The lines of `blocks` in their order, without the blocks of highest rank that `height` has no room for."""
    while sum(len(lines) for _, lines in blocks) > height:
        worst = max(range(len(blocks)), key=lambda n: (blocks[n][0], n))
        if blocks[worst][0] == 0:
            break
        del blocks[worst]
    return [line for _, lines in blocks for line in lines][:height]


def _blocks(
    snapshot: Snapshot, width: int, height: int, question: str, keys: bool, hints: Sequence[str]
) -> list[_Block]:
    said = words.banner(snapshot, question)
    edge, blank = (7, [Text(" " * width, style=said.style)]), (_BLANK, [Text()])
    of_class = {label: key for key, label in CLASS_KEYS.items()} if keys else {}
    rows = bars.rows(snapshot.differential, width, of_class, snapshot.truth)
    blocks: list[_Block] = [(0, [_title(snapshot, width)])]
    if snapshot.simulated:
        blocks.append((5, [Text(table.SIMULATED, style="bold yellow")]))
    blocks += [edge, (0, [_banner(said, width)]), edge, blank, (0, rows), (8, [Text(bars.LEGEND, style="dim")])]
    blocks += [(1, _flow(words.beside(snapshot), width)), blank, (0, [_progress(snapshot, width)])]
    blocks += [(0, _flow(words.decisions(snapshot), width, "bold")), blank] if snapshot.decisions else [blank]
    blocks += [(2, _flow(words.view(snapshot), width)), (4, _flow(words.session(snapshot), width))]
    blocks += [(1, [Text(words.frames(snapshot.accounts))]), (3, [Text(words.skipped(snapshot.accounts))]), blank]
    blocks += [*_latest(snapshot, width, height), blank]
    if snapshot.warning:
        blocks.append((0, _wrapped(f"WARNING: {printable(snapshot.warning)}", width, "bold red")))
    blocks.append((1, _flow(hints or (words.KEYS if keys else words.NO_KEYS), width, "cyan")))
    if keys:
        listed = {share.label for share in snapshot.differential.present}
        others = [f"{key} {words.class_name(label)}" for key, label in CLASS_KEYS.items() if label not in listed]
        blocks.append((6, _flow(["class keys: above", *others], width, "cyan")))
    whole = len(table.NOT_A_DEVICE) <= width
    blocks.append((0, [Text(table.NOT_A_DEVICE if whole else "Not a medical device.", style="bold")]))
    return blocks


def _title(snapshot: Snapshot, width: int) -> Text:
    """Sample, operator, source and session; SIMULATED at its end, whatever has to be cut before it."""
    line = Text(words.title(snapshot))
    tag = " SIMULATED " if snapshot.simulated else ""
    line.truncate(width - len(tag), overflow="ellipsis", pad=True)
    line.stylize("bold")
    return line.append(tag, "bold black on yellow")


def _banner(said: words.Banner, width: int) -> Text:
    line = Text(f"  {said.word}" + (f"   {said.hint}" if said.hint else ""), style=said.style)
    line.truncate(width, overflow="ellipsis", pad=True)
    return line


def _progress(snapshot: Snapshot, width: int) -> Text:
    text, share = words.goal(snapshot)
    if share is None:
        return Text(text, style="bold")
    room = max(8, width - len(text) - 7)
    full = int(room * share)
    line = Text(f"{text} ", style="bold")
    return line.append("█" * full, "green").append("░" * (room - full), "dim").append(f"{int(100 * share):>4} %")


def _latest(snapshot: Snapshot, width: int, height: int) -> list[_Block]:
    """The last cells, newest first: two lines of them, or one each where the terminal is tall."""
    cells = [words.cell(shown) for shown in snapshot.last]
    if not cells:
        return []
    cells[0] = f"last cell: {cells[0]}"
    tall = [Text(cells[0]), *(Text(f"{'':11}{text}") for text in cells[1:])]
    lines = tall if height >= TALL else _flow(cells, width)[:2]
    lines[0].stylize("bold", 0, len(cells[0]))
    return [(1, lines[:1]), *((8, [line]) for line in lines[1:])]


def _flow(parts: Sequence[str], width: int, style: str = "") -> list[Text]:
    """`parts` on as few lines as they need, none of them broken."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return [Text(line, style=style) for line in lines]


def _wrapped(sentence: str, width: int, style: str) -> list[Text]:
    return [Text(line, style=style) for line in textwrap.wrap(sentence, width)[:3]]


class Screen:
    """Shows snapshots on `console`'s whole terminal, redrawn in place; the terminal is as before afterwards.

    `show` may be called for every frame: it draws a new cell or another advice without delay and all else at most
    `REDRAWS` times a second, but spends no more than `SHARE` of the time; a question, a pause and the end wait for
    nothing. `keys`: whether a keyboard is read; `hints`: what is said of the keys, where that is not the usual.
    """

    def __init__(self, console: Console, keys: bool = True, hints: Sequence[str] = ()) -> None:
        self._console = console
        self._keys, self._hints = keys, hints
        self._ascii = not words.can_write(console.encoding)
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._drawn, self._rest = 0.0, 0.0  # when the last drawing ended (monotonic), and how long to leave it
        self._news: tuple[object, ...] = ()
        self._turn: tuple[End | None, bool, str] | None = None  # what was said when last drawn

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):  # the terminal itself may be gone
            self._live.stop()

    def leave(self) -> None:
        """Give the terminal back while the program is stopped (Ctrl-Z)."""
        self._live.stop()

    def enter(self) -> None:
        """Take the terminal again; the next snapshot is drawn at once."""
        self._live.start()
        self._turn = None

    def show(self, snapshot: Snapshot, question: str = "") -> None:
        """Draw `snapshot`, unless it comes too soon after the last. OSError where the terminal is gone."""
        said, newest = words.banner(snapshot, question), snapshot.last[:1]
        cell = [(shown.id, shown.label, shown.by) for shown in newest]
        news = (said, snapshot.warning, snapshot.differential, cell)
        began = time.monotonic()
        turn = (snapshot.done, snapshot.paused, question)
        wait = self._rest if news != self._news else max(self._rest, 1 / REDRAWS)
        if began - self._drawn < wait and turn == self._turn:
            return
        if not self._live.is_started or not in_foreground(self._console.file):
            return
        width, height = self._console.size
        drawn = render(snapshot, width, height, question, self._keys, self._ascii, self._hints)
        self._live.update(drawn, refresh=True)
        self._drawn = time.monotonic()
        self._rest = (self._drawn - began) * (1 / SHARE - 1)
        self._news, self._turn = news, turn

    def bell(self) -> None:
        self._console.bell()

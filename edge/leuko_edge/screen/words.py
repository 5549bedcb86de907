"""What the live displays say, in the same words on the full screen, in plain lines and in the picture window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..live.snapshot import Snapshot
from ..plain_text import printable
from ..results.wording import class_name, confidence, decided, tenths
from ..session import Accounts, Advice, End, Shown
from ..tally import Differential
from ..types import UNIDENTIFIED

if TYPE_CHECKING:
    from rich.text import Text

TOO_SMALL = "Counting goes on ({0}), but the display needs a terminal of {1}×{2} characters, and this one has {3}×{4}."

KEYS = ("p pause", "u undo", "b back", "r change", "i sample", "a area", "n new slide", "q quit")
NO_KEYS = ("no keyboard here: Ctrl-C ends the count",)

_DO, _GOOD, _STOP, _REST = "bold black on yellow", "bold white on dark_green", "bold white on red", "bold white on blue"

# The least that a terminal can write: each sign by one other, so that the styles stay where they are.
SIGNS = "─═░█◆·–×µ…"
_ASCII = str.maketrans(SIGNS, "-=.#*|-xu~")


@dataclass(frozen=True)
class Banner:
    """The one thing to say now: `word` large, `hint` beside it."""

    word: str
    hint: str
    style: str


_COUNTING = Banner("COUNTING", "", _GOOD)
_PAUSED = Banner("PAUSED", "p goes on", _REST)
_SLIDE = Banner("PUT THE NEW SLIDE ON", "i: whose it is, p: count it", _REST)
_BANNERS = {
    Advice.FOCUS: Banner("FOCUS", "turn the fine focus until the cells are sharp", _DO),
    Advice.HOLD_STILL: Banner("HOLD STILL", "the picture moves", _DO),
    Advice.MOVE_ON: Banner("MOVE TO WHERE THE CELLS ARE", "", _DO),
    Advice.RESUME: _PAUSED,
    Advice.LIGHT: Banner("SET THE LIGHT", "it is {light}", _DO),
    Advice.GO_BACK: Banner("LOST", "hold still, or go back a little", _STOP),
}


def ended(end: End, target: int | None, precision: float | None) -> str:
    """Why counting has stopped; `target` and `precision` are those of the goal."""
    return {
        End.TARGET: f"target of {target} cells reached",
        End.PRECISION: f"every 95 % interval is within {precision or 0:g} points",
        End.SOURCE: "the source has ended",
        End.SIGNED: "signed",
        End.STOPPED: "stopped by the operator",
    }[end]


def done(snapshot: Snapshot) -> str:
    """Why counting has stopped, "" while it has not."""
    return "" if snapshot.done is None else ended(snapshot.done, snapshot.target, snapshot.precision)


def banner(snapshot: Snapshot, question: str = "") -> Banner:
    """What the person should do, the most urgent first; "COUNTING" where there is nothing to do."""
    if question:
        return Banner(question, "", _REST)
    if snapshot.done is not None:
        return Banner(done(snapshot).upper(), "", _REST)
    if snapshot.paused:
        return _SLIDE if snapshot.slide_awaited else _PAUSED
    said = _COUNTING if snapshot.advice is None else _BANNERS[snapshot.advice]
    return replace(said, hint=said.hint.format(light=snapshot.light))


def title(snapshot: Snapshot) -> str:
    """Whose count this is and where it comes from."""
    known = [("sample", snapshot.sample), ("operator", snapshot.operator)]
    parts = [f"{name} {printable(value)}" for name, value in known if value]
    return " · ".join(["leuko-edge", *parts, f"session {snapshot.session}", printable(snapshot.source)])


def shares(differential: Differential) -> str:
    """The differential on one line."""
    return ", ".join(
        f"{class_name(share.label)} {share.count}" + ("" if share.percent is None else f" ({share.percent:.1f} %)")
        for share in differential.present
    )


def clock(seconds: float) -> str:
    """Elapsed time as 0:12:31."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def goal(snapshot: Snapshot) -> tuple[str, float | None]:
    """How far the count is, in words and as a share of the way, 0 to 1; None where there is no goal.

    An interval narrows with the square root of the cells counted, so the way to a precision is measured by its square.
    """
    counted = snapshot.differential.counted
    if snapshot.target is not None:
        return f"{counted} of {snapshot.target} cells", min(1.0, counted / max(1, snapshot.target))
    if snapshot.precision is not None:
        share = min(1.0, (snapshot.precision / snapshot.widest) ** 2) if snapshot.widest > 0 else 1.0
        return f"{counted} cells, widest interval {snapshot.widest:.1f} points, goal {snapshot.precision:g}", share
    return f"{counted} cells", None


def beside(snapshot: Snapshot) -> list[str]:
    """What is not in the denominator."""
    differential = snapshot.differential
    ratio = differential.nrbc_per_100_wbc
    smudges = differential.smudges_per_100_wbc
    smudged = []
    if differential.smudges:
        smudged = [f"smudge cells per 100 WBC {tenths(smudges)} ({differential.smudges})"]
    return [
        f"nRBC per 100 WBC {tenths(ratio)} ({differential.erythroblasts})",
        *smudged,
        f"unidentified {differential.unidentified}",
        "excluded: " + ", ".join(f"{label} {count}" for label, count in differential.excluded.items()),
    ]


def decisions(snapshot: Snapshot) -> list[str]:
    """What the count is to tell, and how many cells that still takes."""
    return [decided(standing) for standing in snapshot.decisions]


def view(snapshot: Snapshot) -> list[str]:
    """What the camera sees."""
    cells = f"{snapshot.in_view} cell{'s' * (snapshot.in_view != 1)} in view"
    waiting = f"{snapshot.waiting} waiting" if snapshot.waiting else "none waiting"
    return [f"focus: {snapshot.focus}", f"motion: {snapshot.motion}", f"light: {snapshot.light}", cells, waiting]


def frames(accounts: Accounts) -> str:
    """The accounts as the sum that they are."""
    skipped = sum(accounts.skipped.values())
    return f"frames {accounts.captured} = {accounts.counted} counted + {skipped} skipped + {accounts.dropped} dropped"


def skipped(accounts: Accounts) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in accounts.skipped.items() if count)
    return f"skipped: {reasons or 'none'}"


def session(snapshot: Snapshot) -> list[str]:
    """Time, scale and areas."""
    scale = "measuring µm per px" if snapshot.um_per_px is None else f"{snapshot.um_per_px:.3g} µm per px"
    areas = f"{snapshot.areas} area{'s' * (snapshot.areas != 1)}"
    return [clock(snapshot.elapsed), f"{snapshot.frames_per_second:.1f} frames a second", scale, areas]


def cell(shown: Shown) -> str:
    """One of the last cells: number, class, confidence rounded down, and who changed it."""
    if shown.by != "model":
        return f"{shown.id} {class_name(shown.label)}, set by {printable(shown.by)}"
    if shown.label == UNIDENTIFIED:  # its confidence is that of the class it was nearest to
        nearest = f" ({class_name(shown.guess, short=True)}? {confidence(shown.confidence)} %)" if shown.guess else ""
        return f"{shown.id} {class_name(shown.label)}{nearest}"
    return f"{shown.id} {class_name(shown.label)} {confidence(shown.confidence)} %"


def can_write(encoding: str) -> bool:
    """Whether every sign of the displays exists in `encoding`."""
    try:
        SIGNS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def to_ascii(text: Text) -> Text:
    """The same for a terminal that can write nothing else; styles keep their places."""
    plain = text.plain.translate(_ASCII).encode("ascii", "replace").decode()
    return type(text)(plain, spans=list(text.spans), style=text.style, no_wrap=True)

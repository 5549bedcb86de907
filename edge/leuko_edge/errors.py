"""What can go wrong: a type for each case, what was found, and its cure. The command line makes exit codes of them.

LeukoError
├── UsageError          exit 2: the command was given something it cannot use
├── NothingCountable    exit 3: every picture was read or refused, no white cell could be counted
├── EnvironmentBroken   exit 4: model, card, runtime or disk
│   ├── ModelError      no model, no card, or a card that does not fit its model
│   ├── NotInstalled    a library that only some devices need is not there
│   └── NotTested       the control's test that counting asks for is missing, failed or too old
├── PictureError        exit 3: one picture cannot be used; the others are still processed
└── SourceLost          exit 4: the camera is missing, unplugged, silent or frozen
    ├── CameraBusy      another program uses it, as far as can be told
    └── CamerasRefused  none of several can be used

Whoever must know which case it is asks for the type, never for the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Hint(StrEnum):
    """A part of a cure that depends on who is told: the value is for a person at a command line, others have their own
    words for it (see `LeukoError.said`)."""

    START_AGAIN = ", and start again"
    RESUME = ", then --resume"
    NAME_CAMERA = "with --camera PATH"
    TAKE_PI_CAMERA = "take --camera picamera2"
    NAME_DATABASE = "with --database"
    NAME_MODEL = "with --model"


_AT_A_COMMAND_LINE: Mapping[Hint, str] = MappingProxyType({hint: hint.value for hint in Hint})


PARTLY = 5
INTERRUPTED = 130
EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "done: all that was named is counted (shown, written), nothing is bad",
        2: "wrong usage: the command line or the configuration",
        3: "nothing countable: not one white cell",
        4: "model, environment, source or output broken; of doctor and qc: something is bad",
        PARTLY: "counted in part: something that was named is left out, and the messages and the report say what",
        INTERRUPTED: "interrupted",
    }
)
"""Of every command."""


class LeukoError(Exception):
    """Base of all errors shown to the user; `str(error)` is the sentence at a command line.

    `found` is what is wrong, `cure` what to do about it in parts that make one text, none where nothing can be done.
    """

    exit_code = 4

    def __init__(self, found: str, *cure: str | Hint) -> None:
        super().__init__(found, *cure)
        self.found, self._cure = found, cure

    def cure(self, words: Mapping[Hint, str] = _AT_A_COMMAND_LINE) -> str:
        """What to do, with these words for the hints; "" where nothing can be done."""
        return "".join(words[part] if isinstance(part, Hint) else part for part in self._cure)

    def said(self, words: Mapping[Hint, str] = _AT_A_COMMAND_LINE) -> str:
        """The sentence, with these words for the hints."""
        cure = self.cure(words)
        return f"{self.found}; {cure}" if cure else self.found

    def __str__(self) -> str:
        return self.said()


class UsageError(LeukoError):
    exit_code = 2


class NothingCountable(LeukoError):
    exit_code = 3


class EnvironmentBroken(LeukoError):
    exit_code = 4


class ModelError(EnvironmentBroken):
    pass


class NotInstalled(EnvironmentBroken):
    pass


class NotTested(EnvironmentBroken):
    pass


class Reason(StrEnum):
    """Why a picture, or what was given for one, is not counted: the codes of reports. The sentence stands beside it."""

    ABSENT = "absent"  # no such file or folder
    UNREADABLE = "unreadable"  # it is there and may not, or cannot, be read
    NO_PICTURES = "no_pictures"  # a folder that holds none
    NAMED_TWICE = "named_twice"  # the same file
    SAME_PICTURE = "same_picture"  # another file with the same pixels
    SUBFOLDER = "subfolder"  # pictures in a folder within the folder
    UNKNOWN_FORMAT = "unknown_format"
    NEEDS_EXTRA = "needs_extra"  # a format or layout for which another package is needed
    LAYOUT = "layout"  # a known format with its values laid out in a way that is not read
    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    NO_MEMORY = "no_memory"
    GREY = "grey"
    INTERLACED = "interlaced"  # a film whose pictures are woven of two half pictures
    NOT_A_SMEAR = "not_a_smear"  # black, without a bright background, or without a stain's colours
    SCALE_UNKNOWN = "scale_unknown"
    FAILED = "failed"  # a fault of the program itself


class PictureError(LeukoError):
    """Raised for a single file; the run goes on without it."""

    exit_code = 3

    def __init__(self, found: str, *cure: str | Hint, reason: Reason = Reason.NOT_A_SMEAR) -> None:
        super().__init__(found, *cure)
        self.reason = reason


class SourceLost(LeukoError):
    """The camera is missing, busy, unplugged, silent or frozen: the session is kept."""

    exit_code = 4


class CameraBusy(SourceLost):
    pass


class CamerasRefused(SourceLost):
    """Each of several cameras was tried; `refused` says why for each, at least one."""

    def __init__(self, *refused: LeukoError) -> None:
        *others, last = refused
        super().__init__("; ".join([*map(str, others), last.found]), last.cure())
        self.args = self.refused = refused

    def said(self, words: Mapping[Hint, str] = _AT_A_COMMAND_LINE) -> str:
        return "; ".join(error.said(words) for error in self.refused)

"""What can go wrong, one clear sentence each. The command line turns them into exit codes.

LeukoError
├── UsageError          exit 2: the command was given something it cannot use
├── NothingCountable    exit 3: every picture was read or refused, no white cell could be counted
├── EnvironmentBroken   exit 4: model, card, runtime or disk
│   └── ModelError      no model, no card, or a card that does not fit its model
└── PictureError        one picture cannot be used; the others are still processed
"""

from __future__ import annotations


class LeukoError(Exception):
    """Base of all errors shown to the user; `str(error)` is the sentence."""

    exit_code = 4


class UsageError(LeukoError):
    exit_code = 2


class NothingCountable(LeukoError):
    exit_code = 3


class EnvironmentBroken(LeukoError):
    exit_code = 4


class ModelError(EnvironmentBroken):
    pass


class PictureError(LeukoError):
    """Raised for a single file; the run goes on without it."""

    exit_code = 3


class SourceLost(LeukoError):
    """The camera is missing, busy, unplugged, silent or frozen: the session is kept."""

    exit_code = 4

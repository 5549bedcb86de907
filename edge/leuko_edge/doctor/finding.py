"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LeukoError

GOOD, WARNING, BAD, SKIPPED = "good", "warning", "bad", "skipped"
STATES = (GOOD, WARNING, BAD, SKIPPED)
"""Bad: counting cannot work so, or its result would be wrong. Skipped: it could not be asked, or is not wanted here."""


@dataclass(frozen=True)
class Finding:
    """`name` says what was looked at, `found` what is there, `advice` what to do about it ("" where nothing is)."""

    name: str
    state: str
    found: str
    advice: str = ""

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"a finding is one of {', '.join(STATES)}, got {self.state!r}")
        if self.state in (WARNING, BAD) and not self.advice:
            raise ValueError(f"{self.name}: a {self.state} finding says what to do")


def good(name: str, found: str) -> Finding:
    return Finding(name, GOOD, found)


def warning(name: str, found: str, advice: str) -> Finding:
    return Finding(name, WARNING, found, advice)


def bad(name: str, found: str, advice: str) -> Finding:
    return Finding(name, BAD, found, advice)


def skipped(name: str, found: str, advice: str = "") -> Finding:
    return Finding(name, SKIPPED, found, advice)


def told(name: str, error: LeukoError) -> Finding:
    """A bad one from an error, which says what to do."""
    return bad(name, error.found, error.cure() or "do what it says, then run leuko-edge doctor again")

"""What a person does to a session, as the page's script asks for it: bodies in JSON, checked here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UsageError
from ..store.archive import Archive
from ..store.people import Person
from ..store.review import Change, Review
from .namer import Namer

Body = Mapping[str, Any]
MOST = 5000  # changes at once, and cells looked at


class Changes:
    """Each method takes the session's number, the body and who asks, and raises UsageError (`store.review.Refused`
    among them) with its sentence."""

    def __init__(self, review: Review, namer: Namer) -> None:
        self._review, self._namer = review, namer

    def change(self, session: int, body: Body, who: Person) -> None:
        changes = [
            Change(_number(one, "cell"), _words(one, "before"), _words(one, "after")) for one in _list(body, "changes")
        ]
        self._review.change(session, changes, who.name, time.time(), body.get("undo") is True)

    def look(self, session: int, body: Body, who: Person) -> None:
        self._review.look(
            session, [_number({"cell": cell}, "cell") for cell in _list(body, "cells")], who.name, time.time()
        )

    def add(self, session: int, body: Body, who: Person) -> None:
        number, x, y = _number(body, "picture"), _place(body, "x"), _place(body, "y")
        with Archive(self._review.path) as archive:
            pictures = {picture.number: picture for picture in archive.record(session).pictures}
        if number not in pictures:
            raise UsageError("only on a photograph can a cell be added: of a live count no pictures are kept")
        # Pages of one TIFF are pictures of one path, in their order.
        page = sum(one.path == pictures[number].path for one in pictures.values() if one.number < number)
        self._review.add(session, self._namer.name(pictures[number], page, x, y), who.name, time.time())

    def identify(self, session: int, body: Body, who: Person) -> None:
        sample, operator = _words(body, "sample").strip(), _words(body, "operator").strip()
        self._review.identify(session, sample, operator, who.name, time.time())

    def sign(self, session: int, body: Body, who: Person) -> None:
        self._review.sign(session, who.name, time.time())

    def countersign(self, session: int, body: Body, who: Person) -> None:
        self._review.countersign(session, who.name, time.time())

    def amend(self, session: int, body: Body, who: Person) -> None:
        self._review.amend(session, _words(body, "reason"), who.name, time.time())

    def all(self) -> Mapping[str, tuple[str, Callable[[int, Body, Person], None]]]:
        """By its word in the address: the role that it needs, and what does it."""
        return {
            "change": ("technologist", self.change),
            "look": ("technologist", self.look),
            "add": ("technologist", self.add),
            "identify": ("technologist", self.identify),
            "sign": ("technologist", self.sign),
            "countersign": ("technologist", self.countersign),
            "amend": ("supervisor", self.amend),
        }


def _list(body: Body, name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or not 0 < len(value) <= MOST:
        raise UsageError(f"{name} must be a list of 1 to {MOST}")
    return value


def _number(body: Any, name: str) -> int:
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
        raise UsageError(f"{name} must be a whole number")
    return value


def _place(body: Body, name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        raise UsageError(f"{name} must be a number")
    return float(value)


def _words(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, str) or len(value) > 500:
        raise UsageError(f"{name} must be a text of at most 500 characters")
    return value

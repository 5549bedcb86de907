"""The quiz as a page: signed cells one after the other without their names, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import UsageError
from ..quiz import PER_CLASS, Score, begin, of_sessions, score
from ..results.quiz_words import HEADINGS, figures
from ..results.wording import class_name
from ..screen.keys import CLASS_KEYS
from ..store.archive import Archive
from ..store.quizzes import Quiz, Quizzes
from .access import Access
from .changes import Body
from .templates import page

LONGEST = 3600.0  # seconds of an answer that are believed


class QuizPages:
    """Each method answers one address, on the database at `path`, to whoever is logged in: as its own person."""

    def __init__(self, path: str, access: Access) -> None:
        self._path, self._access, self._quizzes = path, access, Quizzes(path)

    def looked_at(self) -> Mapping[str, Callable[[Request], Response]]:
        """By address."""
        return {"/quiz": self.show, "/quiz/cell.png": self.cell}

    def posted(self) -> Mapping[str, Callable[[Request, Body], Response]]:
        return {"/quiz/begin": self.begin, "/quiz/answer": self.answer, "/quiz/abandon": self.abandon}

    def show(self, request: Request) -> Response:
        """What is to be named next; where nothing is, the results of this person's quizzes so far."""
        quiz = self._quizzes.unfinished(self._who(request))
        done = [] if quiz else self._quizzes.finished(self._who(request))
        rows = [
            (datetime.fromtimestamp(one.begun_at).strftime("%Y-%m-%d %H:%M"), *figures(score(one.asked)))
            for one in reversed(done)
        ]
        return page(
            "quiz.html",
            who=self._who(request),
            named=self._access.named(request),
            local=self._access.local,
            token=self._access.token(request),
            at=_next(quiz),
            of=len(quiz.asked) if quiz else 0,
            keys={label: (key, class_name(label)) for key, label in CLASS_KEYS.items()},
            headings=HEADINGS,
            rows=rows,
            last=_table(score(done[-1].asked)) if done else None,
        )

    def cell(self, request: Request) -> Response:
        """The picture that is to be named, by no address that tells which it is."""
        quiz = self._quizzes.unfinished(self._who(request))
        at = _next(quiz)
        if quiz is None or at is None:
            return Response(status_code=404)
        asked = quiz.asked[at]
        if asked.session is not None:
            with Archive(self._path) as archive:
                png = archive.png(asked.session, asked.cell or 0)
            return Response(png, media_type="image/png") if png else Response(status_code=404)
        return Response(status_code=404)  # a quiz of a folder, begun in the terminal: it is gone on with there

    def begin(self, request: Request, body: Body) -> Response:
        """UsageError where too little is signed, or the number of cells makes no sense."""
        each = body.get("each", PER_CLASS)
        if not isinstance(each, int) or not 1 <= each <= 100:
            raise UsageError("1 to 100 cells of a class can be asked")
        with Archive(self._path) as archive:
            begin(self._quizzes, self._who(request), of_sessions(archive), each)
        return self._progress(request)

    def answer(self, request: Request, body: Body) -> Response:
        """An answer to what was asked before, of another tab say, changes nothing."""
        quiz, said, seconds = self._quizzes.unfinished(self._who(request)), body.get("said"), body.get("seconds")
        if said not in CLASS_KEYS.values():
            raise UsageError("that is no class")
        if not isinstance(seconds, int | float) or not seconds >= 0:
            raise UsageError("how long it took is no number")
        at = _next(quiz)
        if quiz is not None and at is not None and body.get("at") == at:
            self._quizzes.answer(quiz.id, at, str(said), min(float(seconds), LONGEST))
        return self._progress(request)

    def abandon(self, request: Request, _: Body) -> Response:
        self._quizzes.abandon(self._who(request))
        return self._progress(request)

    def _progress(self, request: Request) -> Response:
        quiz = self._quizzes.unfinished(self._who(request))
        if quiz is not None and _next(quiz) is None:
            self._quizzes.finish(quiz.id, time.time())
            quiz = None
        return JSONResponse({"at": _next(quiz), "of": len(quiz.asked) if quiz else 0})

    def _who(self, request: Request) -> str:
        person = self._access.person(request)
        return person.name if person else ""


def _next(quiz: Quiz | None) -> int | None:
    return next((n for n, cell in enumerate(quiz.asked) if cell.said is None), None) if quiz else None


def _table(found: Score) -> dict[str, object]:
    names = [class_name(label) for label in found.classes]
    return {"names": names, "rows": list(zip(names, found.table, strict=True))}

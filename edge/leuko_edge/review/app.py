"""The pages put together: addresses, who may ask for each, and what a refusal looks like."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..errors import LeukoError, NothingCountable, UsageError
from ..results.pdf import pdf_of
from ..store.people import People
from ..store.review import Refused, Review
from .access import Access
from .changes import Body, Changes
from .live import Counting, Live
from .login import Login
from .namer import Namer
from .pages import Pages
from .quiz import QuizPages
from .security import Secured
from .teaching import Teach, Teaching

if TYPE_CHECKING:
    from ..model.classify import CellClassifier

MAX_BODY = 1_000_000  # bytes
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def create_app(
    database: str | os.PathLike[str],
    load: Callable[[], CellClassifier],
    people: People | None = None,
    hosts: Collection[str] = LOOPBACK,
    secure: bool = False,
    counting: Counting | None = None,
    pdf: Callable[[str, int], bytes] = pdf_of,
    site: str = "",
    teach: Teach | None = None,
) -> Starlette:
    """The application on `database`; StoreError where it cannot be changed.

    `load` gives the model that names added cells. `people` None: whoever reaches it may all, so that only this machine
    may. `hosts` are the names that it answers to, () any. `secure`: it is reached by TLS. `counting` is the service of
    this machine, for the pages of what is being counted. `pdf` makes the report of a session of the database.
    `site` is the laboratory that the model is taught as, `teach` teaches one with a session's cells; None: not here.
    """
    review, access = Review(database), Access(people)
    live = Live(review.path, access, counting)
    pages = Pages(review.path, access, live, pdf, site, teach is not None)
    quiz = QuizPages(review.path, access)
    login = Login(access, secure)
    routes = [
        Route("/login", login.show, methods=["GET"]),
        Route("/login", login.enter, methods=["POST"]),
        Route("/logout", login.leave, methods=["POST"]),
        Route("/name", _posting(access, "viewer", login.name), methods=["POST"]),
        Route("/live/key", _posting(access, "technologist", live.press), methods=["POST"]),
        *(
            Route(address, _looking(access, page), methods=["GET"])
            for address, page in {**pages.all(), **quiz.looked_at()}.items()
        ),
        *(Route(address, _posting(access, "viewer", do), methods=["POST"]) for address, do in quiz.posted().items()),
        *(
            Route(f"/sessions/{{session:int}}/{word}", _changing(access, role, do, pages), methods=["POST"])
            for word, (role, do) in Changes(review, Namer(load)).all().items()
        ),
        *(
            Route("/sessions/{session:int}/teach", _posting(access, "supervisor", one.teach), methods=["POST"])
            for one in ([Teaching(teach, access)] if teach else [])
        ),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        review.close()

    return Starlette(
        routes=routes,
        middleware=[Middleware(Secured, hosts=tuple(hosts))],
        exception_handlers={LeukoError: _refusal, ValueError: _refusal},
        lifespan=lifespan,
    )


Answer = Callable[[Request], Response]


def _looking(access: Access, page: Answer) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        if access.person(request) is None:
            return RedirectResponse("/login", 303)
        return await run_in_threadpool(page, request)

    return endpoint


def _posting(access: Access, role: str, do: Callable[[Request, Body], Response]) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        person = access.person(request)
        if person is None or not access.own(request, request.headers.get("x-token", "")):
            return _told("logged out", "log in again, then repeat it", 403)
        if not person.may(role):
            return _told("role", f"a {person.role} may not do this; ask a {role}", 403)
        return await run_in_threadpool(do, request, await _body(request))

    return endpoint


def _changing(access: Access, role: str, do: Callable[..., None], pages: Pages) -> Callable[[Request], object]:
    def change(request: Request, body: Body) -> Response:
        person = access.person(request)
        assert person is not None  # `_posting` has asked
        do(request.path_params["session"], body, person)
        return pages.state(request)

    return _posting(access, role, change)


async def _body(request: Request) -> Body:
    """JSON; UsageError where it is none, or absurdly long."""
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BODY:
            raise UsageError("that is too much at once")
    try:
        body = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        raise UsageError("that is not JSON") from None
    if not isinstance(body, dict):
        raise UsageError("an object is needed")
    return body


def _refusal(_: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return _told(error.code, str(error), 409)
    if isinstance(error, NothingCountable):
        return _told("too few", str(error), 409)
    if isinstance(error, LeukoError):
        return _told("error", str(error), 400 if isinstance(error, UsageError) else 503)
    return _told("error", str(error), 400)


def _told(code: str, sentence: str, status: int) -> Response:
    return JSONResponse({"code": code, "message": sentence}, status)

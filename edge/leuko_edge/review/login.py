"""Logging in and out, and saying who sits at this machine."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..errors import UsageError
from .access import COOKIE, HOURS, NAME_COOKIE, Access, name_cookie
from .changes import Body
from .templates import page

MOST = 4000  # bytes of a login's form


class Login:
    def __init__(self, access: Access, secure: bool) -> None:
        self._access, self._secure = access, secure

    async def show(self, request: Request) -> Response:
        if self._access.person(request) is not None:
            return RedirectResponse("/", 303)
        return page("login.html", problem="")

    async def enter(self, request: Request) -> Response:
        """A form; a foreign page that sends it can only log its reader in, and SameSite keeps even that cookie."""
        content = b""
        async for piece in request.stream():
            content += piece
            if len(content) > MOST:
                return page("login.html", 400, problem="That is too long.")
        form = parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True)
        name, password = (form.get(field, [""])[0] for field in ("name", "password"))
        address = request.client.host if request.client else ""
        if self._access.must_wait(name, address):
            return page("login.html", 429, problem="Too many wrong passwords: wait a minute, then try again.")
        token = await run_in_threadpool(self._access.log_in, name, password, address)
        if token is None:
            return page("login.html", 403, problem="Name or password is wrong.")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, token, max_age=3600 * HOURS, httponly=True, samesite="strict", secure=self._secure, path="/"
        )
        return answer

    async def leave(self, request: Request) -> Response:
        self._access.log_out(request)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    def name(self, request: Request, body: Body) -> Response:
        """Who sits at this machine, where nobody logs in; UsageError where people do."""
        name = body.get("name")
        if not self._access.local or not isinstance(name, str) or not 0 < len(name.strip()) <= 100:
            raise UsageError("a name of at most 100 characters is needed")
        answer = JSONResponse({"name": name.strip()})
        answer.set_cookie(NAME_COOKIE, name_cookie(name.strip()), httponly=True, samesite="strict", path="/")
        return answer

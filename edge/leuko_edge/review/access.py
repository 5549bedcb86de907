"""Who asks: the person behind a request, logging in and out, and tokens against forged requests."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from urllib.parse import quote, unquote

from starlette.requests import HTTPConnection

from ..store.people import People, Person

COOKIE = "leuko_edge"
NAME_COOKIE = "leuko_edge_name"  # of who sits at this machine, where nobody logs in
HOURS = 12  # that a login lasts
TRIES, TRY_SECONDS = 5, 60.0  # wrong passwords for one name, or from one address, before it has to wait


class Access:
    """`people` None: whoever may use this machine may all, and says who it is; else they log in."""

    def __init__(self, people: People | None) -> None:
        self._people = people
        self._secret = secrets.token_bytes(32)
        self._logins: dict[str, tuple[str, float]] = {}  # whose, and until when
        self._failed: dict[str, deque[float]] = {}
        self._guard = threading.Lock()

    @property
    def local(self) -> bool:
        return self._people is None

    def person(self, request: HTTPConnection) -> Person | None:
        """None where nobody is logged in."""
        if self._people is None:
            name = unquote(request.cookies.get(NAME_COOKIE, "")).strip()
            return Person(name or machine_user(), "supervisor")
        with self._guard:
            name, until = self._logins.get(request.cookies.get(COOKIE, ""), ("", 0.0))
        # Asked anew each time: who was removed meanwhile, or has another role, has it at once.
        return self._people.named(name) if time.monotonic() < until else None

    def named(self, request: HTTPConnection) -> bool:
        """Whether the person has a name of its own, not only the machine's user's."""
        return not self.local or bool(request.cookies.get(NAME_COOKIE))

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """A cookie's value; None for a wrong name or password. `must_wait` is asked first."""
        person = self._people.known(name, password) if self._people else None
        with self._guard:
            if person is None:
                for key in (f"name {name}", f"address {address}"):
                    self._failed.setdefault(key, deque(maxlen=TRIES)).append(time.monotonic())
                return None
            now = time.monotonic()
            self._logins = {token: login for token, login in self._logins.items() if login[1] > now}
            token = secrets.token_urlsafe(32)
            self._logins[token] = (person.name, now + 3600 * HOURS)
            return token

    def must_wait(self, name: str, address: str) -> bool:
        with self._guard:
            now = time.monotonic()
            self._failed = {key: times for key, times in self._failed.items() if now - times[-1] < TRY_SECONDS}
            tries = [self._failed[key] for key in (f"name {name}", f"address {address}") if key in self._failed]
        return any(len(times) >= TRIES and now - times[0] < TRY_SECONDS for times in tries)

    def log_out(self, request: HTTPConnection) -> None:
        with self._guard:
            self._logins.pop(request.cookies.get(COOKIE, ""), None)

    def token(self, request: HTTPConnection) -> str:
        """What a page of ours sends along with every change; another site's page cannot know it."""
        whose = request.cookies.get(COOKIE, "") if self._people else "local"
        return hmac.new(self._secret, whose.encode(), hashlib.sha256).hexdigest()

    def own(self, request: HTTPConnection, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token(request).encode())


def machine_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return "operator"


def name_cookie(name: str) -> str:
    return quote(name)

"""Who may use the review pages from another machine: names, roles, and passwords as scrypt keeps them.

A password is stored as scrypt$N$r$p$salt$key in hexadecimal (RFC 7914; N, r and p as OWASP's cheat sheet of 2023 gives
them: 2**16, 8, 2), so that the costs can grow without locking anybody out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass

from ..errors import UsageError
from . import schema

ROLES = ("viewer", "technologist", "supervisor")
"""Each may all that the one before may: look; change and sign; amend what is signed."""
COSTS = (2**16, 8, 2)
LEAST = 8  # characters of a password, NIST SP 800-63B


@dataclass(frozen=True)
class Person:
    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether this person may what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


class People:
    """The table of them in the database at `path`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.realpath(path)

    def add(self, name: str, role: str, password: str) -> None:
        """UsageError for a name that is taken or empty, a role that there is not, and a password that is too short."""
        if not name.strip() or name != name.strip():
            raise UsageError("a person needs a name, without blanks around it")
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}", f"the roles are {', '.join(ROLES)}")
        if len(password) < LEAST:
            raise UsageError(f"a password of at least {LEAST} characters is needed")
        with schema.asking(self._path) as execute:
            if execute("SELECT 1 FROM person WHERE name = ?", (name,)).fetchone():
                raise UsageError(f"{name} is there already", "remove that one first")
            execute("INSERT INTO person VALUES (?, ?, ?, ?)", (name, role, hashed(password), time.time()))

    def remove(self, name: str) -> None:
        """UsageError where there is none of that name."""
        with schema.asking(self._path) as execute:
            if not execute("DELETE FROM person WHERE name = ?", (name,)).rowcount:
                raise UsageError(f"there is no {name}", "leuko-edge users list names those there are")

    def named(self, name: str) -> Person | None:
        """Who has this name, None where nobody has it any more."""
        return next((person for person in self.all() if person.name == name), None)

    def all(self) -> tuple[Person, ...]:
        with schema.asking(self._path) as execute:
            rows = execute("SELECT name, role FROM person ORDER BY name").fetchall()
        return tuple(Person(row["name"], row["role"]) for row in rows)

    def known(self, name: str, password: str) -> Person | None:
        """The person, None where name or password is wrong; both take as long."""
        with schema.asking(self._path) as execute:
            row = execute("SELECT * FROM person WHERE name = ?", (name,)).fetchone()
        right = matches(password, row["password"] if row else _NOBODY)
        return Person(row["name"], row["role"]) if row and right else None


def hashed(password: str, costs: tuple[int, int, int] | None = None) -> str:
    costs = costs or COSTS
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", *map(str, costs), salt.hex(), _key(password, salt, costs).hex()))


def matches(password: str, stored: str) -> bool:
    _, n, r, p, salt, key = stored.split("$")
    return hmac.compare_digest(_key(password, bytes.fromhex(salt), (int(n), int(r), int(p))), bytes.fromhex(key))


def _key(password: str, salt: bytes, costs: tuple[int, int, int]) -> bytes:
    n, r, p = costs
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=2 * 128 * n * r, dklen=32)


_NOBODY = "$".join(("scrypt", *map(str, COSTS), "00" * 16, "00" * 32))

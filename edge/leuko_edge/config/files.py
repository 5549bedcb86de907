"""A TOML file as settings with the line of each. tomllib reads it; which line a key stands on is found here."""

from __future__ import annotations

import bisect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import UsageError

_LARGEST = 16 * 1024  # bytes; the commented example has about three thousand
_LINES = 1000  # tomllib reads a text of many lines once for each, see `_statements`
_DEPTH = 8  # names of a key; ours have two. tomllib's time rises with the square of it, its memory too
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class ConfigurationError(UsageError):
    """A setting or its file cannot be used; the sentence names the file, the line and the key."""


class Entry(NamedTuple):
    value: Any  # as TOML has it
    line: int  # from 1


def read(path: str, required: bool) -> dict[str, Entry] | None:
    """What a file sets, by dotted name; None where it is not there and not `required`.

    ConfigurationError where it cannot be read, is no text or no TOML.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        if not required:
            return None
        raise ConfigurationError(f"there is no configuration at {path}", "name another with --config") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"the configuration {path} cannot be read: {why}") from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{path} is too large to be a configuration", "name another with --config")
    try:
        text = content.decode("utf-8-sig")  # some editors put a mark before UTF-8
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}, line {line}: this is not UTF-8", "save the file as UTF-8") from None
    text = text.replace("\r\n", "\n")
    _bound(path, text)
    return _entries(path, text)


# What is no key: texts of several lines, texts, comments. A text that does not end is left to tomllib.
_TEXTS = re.compile(r'''"""(?:\\.|[^\\])*?"""|\'{3}.*?\'{3}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|\#[^\n]*''', re.DOTALL)
_DEEP = re.compile(rf"[\w-]+(?:[ \t]*\.[ \t]*[\w-]+){{{_DEPTH}}}")


def _bound(path: str, text: str) -> None:
    """ConfigurationError for what would take tomllib long: too many lines, a key of too many names."""
    if text.count("\n") > _LINES:
        raise ConfigurationError(f"{path} has too many lines to be a configuration", "name another with --config")
    bare = _TEXTS.sub(lambda found: "T" + "\n" * found[0].count("\n"), text)
    if deep := _DEEP.search(bare):
        line = bare.count("\n", 0, deep.start()) + 1
        raise ConfigurationError(f"{path}, line {line}: this key is nested too deeply to be a setting")


def _entries(path: str, text: str) -> dict[str, Entry]:
    try:
        whole = tomllib.loads(text)
        lines = _lines(text)
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply to be a configuration") from None
    except ValueError as error:  # TOMLDecodeError is one, an endless number another
        raise ConfigurationError(f"{path}{_explained(error, text)}") from None
    return {dotted(parts): Entry(value, lines[parts]) for parts, value in _leaves(whole)}


def dotted(parts: tuple[str, ...]) -> str:
    """A key's full name, quoted where TOML would."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in parts)


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is not a table; a table with nothing in it stands for itself."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """(line on which it begins, its text, what it says) of each statement; the last says None if it never ends.

    A statement is as many lines as tomllib needs to understand it, so arrays and texts may span lines.
    """
    begin, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        lines.append(line)
        statement = "\n".join(lines)
        try:
            said = tomllib.loads(statement)
        except ValueError:
            continue
        if said:
            yield begin, statement, said
        begin, lines = number + 1, []
    if lines:
        yield begin, "\n".join(lines), None


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """On which line of a valid text each table's heading and each key is."""
    found: dict[tuple[str, ...], int] = {}
    header: tuple[str, ...] = ()
    for line, statement, said in _statements(text):
        if statement.lstrip().startswith("["):
            header = _header(said or {})
            found.setdefault(header, line)
        else:
            for parts, _ in _leaves(said or {}):
                found.setdefault((*header, *parts), line)
    return found


def _header(said: Any) -> tuple[str, ...]:
    """["a", "b"] of what `[a.b]` or `[[a.b]]` alone says."""
    if isinstance(said, list):
        said = said[-1]
    if not said:
        return ()
    ((name, inner),) = said.items()
    return (name, *_header(inner))


def _explained(error: ValueError, text: str) -> str:
    """What tomllib complains of, with the line that it cannot read as TOML."""
    line = _first_wrong(text)
    said = text.split("\n")[line - 1].strip()
    said = said if said.isprintable() else json.dumps(said)
    what = str(error)
    what = what[:1].lower() + what[1:]
    return f", line {line}: {said[:80]} is not TOML ({what}); text stands in quotes, a list in brackets"


def _first_wrong(text: str) -> int:
    """On which line the first statement begins that is no TOML, alone or after those before it."""
    begins = [begin for begin, _, _ in _statements(text)]
    lines = text.split("\n")

    def reads(statements: int) -> bool:
        end = begins[statements] - 1 if statements < len(begins) else len(lines)
        try:
            tomllib.loads("\n".join(lines[:end]))
        except ValueError:
            return False
        return True

    first = bisect.bisect_left(range(len(begins)), True, key=lambda at: not reads(at + 1))
    return begins[min(first, len(begins) - 1)] if begins else 1

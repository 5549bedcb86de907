"""Configuration files with other values, names, bytes and depths: does the program say what it cannot use?

    python tests/fuzzing/settings.py --n 400 --seed 1

Printed are tried, refused (told with a sentence), counted (what is in force is what a whole file would give), set
(another value that is allowed: it is in force, and named with its file and line), silently changed (a value in force
that no line gives, or a line that is without effect), tracebacks, and the longest time that one file took.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "edge")]

from leuko_edge.config import loading
from leuko_edge.config.keys import table
from leuko_edge.config.loading import DEFAULT, load
from leuko_edge.errors import LeukoError

VALUES = (
    *("1", "0", "-1", "1e300", "inf", "nan", "9" * 4000, "0x" + "f" * 4000, "true", "[]", "[1]", "[[[]]]", "{}"),
    *(
        '""',
        '"x"',
        '"../../x"',
        '"/dev/null"',
        r'"\u0000"',
        r'"\u001b[2J"',
        r'"\u202e"',
        f'"{"n" * 9000}"',
        "'''\n\n'''",
    ),
    *("1979-05-27T07:32:00Z", "07:32:00", "[640, 480]", "[1e9, 1e9]", "[-1, 480]", '"auto"', "{a = {b = {c = 1}}}"),
)
SLOW = 1.0  # seconds; no file that a person could write takes a twentieth of it


def whole() -> str:
    """Every setting that has an example or a default, as a file; one of the two goals."""
    lines = []
    for name, key in table().items():
        value = key.default if key.example is None else key.example
        if value is not None and name != "count.precision":
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, (list, tuple)) else str(value)


def damaged(text: str, rng: random.Random) -> tuple[str, bytes]:
    """(what was done, the file)."""
    kind = rng.choice(("value", "value", "value", "name", "twice", "gone", "bytes", "cut", "deep", "wide", "heading"))
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    name = lines[at].partition(" = ")[0]
    if kind == "value":
        lines[at] = f"{name} = {rng.choice(VALUES)}"
    elif kind == "name":
        where = rng.randrange(len(name))
        lines[at] = name[:where] + rng.choice("xyz._ \t") + name[where + 1 :] + lines[at][len(name) :]
    elif kind == "twice":
        lines.insert(at, lines[at])
    elif kind == "gone":
        del lines[at]
    elif kind == "deep":
        names = rng.choice((9, 100, 4000))
        lines[at] = rng.choice((".".join("a" * names) + " = 1", f"a = {'[' * names}{']' * names}", "a.b." * names))
    elif kind == "wide":
        lines += [f"k{number} = 1" for number in range(rng.choice((50, 900, 5000)))]
    elif kind == "heading":
        lines.insert(at, rng.choice(("[camera]", "[[camera]]", "[a.b.c.d]", "[camera.source]", "[]", "[count] #")))
    data = bytearray("\n".join(lines).encode() + b"\n")
    if kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "bytes":
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    return f"{kind} {name}", bytes(data)


def stated(data: bytes) -> int:
    """How many values the file sets, by TOML's own reading."""

    def leaves(values: Any) -> int:
        return sum(map(leaves, values.values())) if isinstance(values, dict) and values else int(values != {})

    return leaves(tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, found, longest = random.Random(options.seed), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        loading.SYSTEM = str(Path(folder) / "absent.toml")
        path = Path(folder) / "settings.toml"
        environ = {"HOME": folder}
        path.write_text(whole())
        true = {name: load(str(path), environ)[name] for name in table()}
        for number in range(options.n):
            said, data = damaged(whole(), rng)
            path.write_bytes(data)
            found["tried"] += 1
            began = time.process_time()
            try:
                configuration = load(str(path), environ)
                configuration.typed()
            except LeukoError as error:
                found["refused"] += 1
                if len(str(error)) > 1000 or not str(error).isprintable():
                    found["silently changed"] += 1
                    print(f"{number} {said}: a sentence that no terminal should be given: {str(error)[:200]!r}")
            except Exception as error:
                found["tracebacks"] += 1
                print(f"{number} {said}: {type(error).__name__}: {str(error)[:200]}")
            else:
                made = [name for name in table() if configuration.origin(name) != DEFAULT]
                if len(made) != stated(data):
                    found["silently changed"] += 1
                    print(f"{number} {said}: {stated(data)} values stated, {len(made)} in force")
                else:
                    same = all(configuration[name] == true[name] for name in table())
                    found["counted" if same else "set"] += 1
            taken = time.process_time() - began
            longest = max(longest, taken)
            if taken > SLOW:
                found["slow"] += 1
                print(f"{number} {said}: {taken:.1f} s")
    words = ("tried", "refused", "counted", "set", "silently changed", "tracebacks", "slow")
    print(", ".join(f"{word} {found[word]}" for word in words) + f"; longest {longest:.2f} s")
    return 1 if found["tracebacks"] or found["silently changed"] or found["slow"] else 0


if __name__ == "__main__":
    sys.exit(main())

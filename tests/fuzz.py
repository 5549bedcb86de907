"""Damaged inputs of one kind through the program: python tests/fuzz.py images|databases|… --n N --seed S.

Each kind is a module of tests/fuzzing, and can be run by itself; it prints tried, refused, counted, silently changed.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

KINDS = sorted(path.stem for path in (Path(__file__).parent / "fuzzing").glob("[a-z]*.py"))


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: python tests/fuzz.py {'|'.join(KINDS)} --n N --seed S")
    sys.argv[:2] = [sys.argv[1]]
    runpy.run_path(str(Path(__file__).parent / "fuzzing" / f"{sys.argv[0]}.py"), run_name="__main__")


if __name__ == "__main__":
    main()

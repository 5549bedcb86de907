"""Cards of models with other values, other bytes and other models: does the program notice?

    python tests/fuzzing/cards.py --n 300 --seed 1

Printed are tried, refused (told with a sentence), counted (every drawn cell gets the class and the confidence of the
whole card), silently changed (it does not, and nothing was said), and tracebacks. What neither hash nor certificate
covers, the card's thresholds and its temperature, may be set by hand within their bounds, and shows as `set by hand`;
a signature covers them too (models/README.md). Exit code 1 for a traceback or a silent change.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "edge")]

from tiny import COLOURS, FAR, TINY, crops_of

from leuko_edge.errors import LeukoError
from leuko_edge.model.classify import Classifier
from leuko_edge.results.table import describe

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 64, 1e-9, 0.5, 1e30, 1 << 70, float("nan"), float("inf"), -float("inf")),
    *("", "x", "../../x", "\x1b[2J", "\u202e", "a\nb", "n" * 100_000, [], {}, [[]], [[0.0]], ["neutrophil"] * 9),
)
BY_HAND = {
    *("confidence_threshold", "temperature", "turns", "distance_threshold", "excluded_threshold"),
    *(
        "abnormal_threshold",
        "early_exit",
        "centres",
        "name",
        "network",
        "quantization",
        "file",
        "warn_share",
        "um_per_px",
    ),
}
"""What a laboratory may set in its own card: the certificate does not cover it."""


LONGEST = 1000  # characters of a sentence


def answers(model: Path) -> list[tuple[str, float]]:
    with Classifier.from_path(model, threads=1) as classifier:
        found = classifier.classify(crops_of(*COLOURS))
        describe(classifier.card)  # as --version --verbose does
        return [(one.label, round(one.confidence, 6)) for one in found] + [(str(classifier.card.window_um), 0.0)]


def damaged(model: Path, rng: random.Random) -> str:
    """Change card or model beside it, and say what."""
    card = model.with_suffix(".json")
    kind = rng.choice(("value", "value", "value", "swap", "gone", "bytes", "cut", "deep", "other", "model"))
    if kind in ("bytes", "cut", "model"):
        path = model if kind == "model" else card
        data = bytearray(path.read_bytes())
        if kind == "cut":
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        return kind
    if kind == "deep":
        card.write_text("[" * 200_000 + "]" * 200_000)
        return kind
    if kind == "other":
        shutil.copy((FAR if "far" not in model.name else TINY).with_suffix(".json"), card)
        return kind
    raw = json.loads(card.read_text())
    certificate = raw["certificate"]
    parts = [certificate["largest_shift"], certificate["agreement"], certificate["data"], certificate["by_class"]]
    where = rng.choice([raw, raw, certificate, certificate, rng.choice([*parts, *parts[3].values()])])
    name = rng.choice(list(where))
    if kind == "swap":
        names = raw["classes"]
        one, other = rng.sample(range(len(names)), 2)
        names[one], names[other] = names[other], names[one]
        name = "classes"
    elif kind == "gone":
        del where[name]
    else:
        where[name] = copy.deepcopy(rng.choice(VALUES))
    card.write_text(json.dumps(raw))
    return f"{kind} {name}"


def by_hand(said: str) -> bool:
    """Whether only what a laboratory may set was changed; flipped bits of the text may have hit that too."""
    kind, _, name = said.partition(" ")
    return kind == "bytes" or name in BY_HAND


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, found = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.n):
            source = rng.choice((TINY, FAR))
            model = Path(folder) / source.name
            for suffix in (".tflite", ".json"):
                shutil.copy(source.with_suffix(suffix), model.with_suffix(suffix))
            true, said = answers(source), damaged(model, rng)
            found["tried"] += 1
            try:
                same = answers(model) == true
            except LeukoError as error:
                found["refused"] += 1
                if len(str(error)) > LONGEST or not str(error).isprintable():
                    found["silently changed"] += 1
                    print(f"{number} {said}: a sentence that no terminal should be given: {str(error)[:200]!r}")
            except Exception as error:
                found["tracebacks"] += 1
                print(f"{number} {said}: {type(error).__name__}: {str(error)[:200]}")
            else:
                outcome = "counted" if same else "set by hand" if by_hand(said) else "silently changed"
                found[outcome] += 1
                if outcome == "silently changed":
                    print(f"{number} {said}: other answers without a word")
    words = ("tried", "refused", "counted", "set by hand", "silently changed", "tracebacks")
    print(", ".join(f"{word} {found[word]}" for word in words))
    return 1 if found["tracebacks"] or found["silently changed"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""The pieces of `leuko-train travel`: one training without a laboratory, and its answers for that laboratory's cells.

A piece has a folder of its own. What it holds is not done again; a training that was interrupted goes on.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.files import whole

from ..data import laboratories
from ..data.cell_set import CellSet
from ..evaluation import evaluate
from ..metrics.answers import Answers
from ..paper.baseline import fit_recipe
from ..training import sampling, seen
from ..training.fit import MAY_CHANGE, fit
from ..training.settings import Settings, as_made

TOLD = "as told"
"""The variant with the settings of the command line; its networks are the ones that the report is about."""
BASELINES = ("paper", "pbc-only")
ANSWERS = "answers.npz"


@dataclass(frozen=True)
class Piece:
    """One network: trained without the laboratories `excluded`, judged on `judged`."""

    variant: str
    left_out: str
    excluded: tuple[str, ...]
    judged: tuple[str, ...]
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.variant}/{self.left_out}".replace(" ", "-")


@dataclass(frozen=True)
class Done:
    """A finished piece: `trained` is its network's report, `rows` are indices of the cell set."""

    piece: Piece
    trained: Mapping[str, Any]
    rows: np.ndarray
    answers: Answers


def varied(settings: Settings, variant: str) -> Settings:
    """The settings with "key=value[,key=value …]" in place. Raises UsageError for what is no setting."""
    known = {option.name: option for option in fields(Settings)}
    changed: dict[str, Any] = {}
    for part in variant.split(","):
        key, _, text = part.partition("=")
        if key not in known or not text:
            raise UsageError(f"--ablation {part} is no setting", f"write KEY=VALUE with KEY of {', '.join(known)}.")
        choices = known[key].metadata.get("choices")
        try:
            usual: Any = known[key].default
            changed[key] = type(usual)(text)
        except ValueError as error:
            raise UsageError(f"--ablation {part}: {error}.") from error
        if choices and changed[key] not in choices:
            raise UsageError(f"--ablation {part}: {key} is one of {', '.join(choices)}.")
    return replace(settings, **changed)


def plan(
    labs: Sequence[str],
    settings: Settings,
    left_out: Sequence[str] = (),
    excluded: Sequence[str] = (),
    baselines: Sequence[str] = (),
    ablations: Sequence[str] = (),
) -> list[Piece]:
    """What there is to do, the most wanted first. `labs`: all of the cell set; `left_out`: not each, but these.

    "lisc+pbc" leaves two out together: one training is judged on both.

    Raises UsageError for names that the cell set does not have.
    """
    present = set(labs)
    groups = laboratories.groups(present - set(excluded))
    parts = {name: name.split("+") for name in (left_out or groups)}
    unknown = [*({part for names in parts.values() for part in names} - set(groups)), *(set(excluded) - present)]
    if unknown:
        raise UsageError(
            f"No laboratory {', '.join(sorted(unknown))}", f"the cell set has {', '.join(sorted(groups))}."
        )
    chosen = {name: tuple(folder for lab in labs_of for folder in groups[lab]) for name, labs_of in parts.items()}
    apart = (laboratories.EVALUATION_ONLY,) if laboratories.EVALUATION_ONLY in present else ()
    drawn = tuple(sorted((present & set(laboratories.APART)) - set(apart)))

    def without(variant: str, told: Settings, more: Sequence[str] = ()) -> list[Piece]:
        return [
            Piece(variant, lab, tuple(sorted({*folders, *excluded, *more})), (*folders, *apart), told)
            for lab, folders in chosen.items()
        ]

    pieces = without(TOLD, settings)
    if "paper" in baselines:
        pieces += without("paper", settings, drawn)
    if "pbc-only" in baselines:
        if "pbc" not in present:
            raise UsageError("--baselines pbc-only needs PBC's cells, and the cell set has none.")
        others = tuple(folder for lab, folders in chosen.items() if lab != "pbc" for folder in folders)
        excluded_here = tuple(sorted(present - {"pbc"} - set(apart)))
        pieces.append(Piece("pbc-only", "all others", excluded_here, (*others, *apart), settings))
    for variant in ablations:
        pieces += without(variant, varied(settings, variant))
    return pieces


def finished(piece: Piece, cells: CellSet, out: Path) -> Done | None:
    """What the piece's folder holds, None where that is not all. Raises UsageError where it is another piece's."""
    folder = out / piece.name
    if not (folder / ANSWERS).is_file():
        return None
    trained = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    _same(piece, cells, trained, folder)
    with np.load(folder / ANSWERS) as stored:
        rows, raw = stored["rows"], stored["raw"]
    return Done(piece, trained, rows, Answers(raw, cells.labels[rows], cells.sources[rows], trained["temperature"]))


def _same(piece: Piece, cells: CellSet, trained: Mapping[str, Any], folder: Path) -> None:
    wanted: dict[str, Any] = {"exclude_labs": list(piece.excluded), "data_sha256": cells.sha256}
    wanted["seed"] = piece.settings.seed
    if piece.variant != "paper":  # whose settings are the paper's own
        wanted |= {key: value for key, value in asdict(piece.settings).items() if key not in MAY_CHANGE}
    before = as_made(trained["settings"])
    changed = [key for key, value in wanted.items() if before.get(key) != value]
    if changed:
        raise UsageError(f"The run in {folder} had another {', '.join(changed)}", "choose another --out.")


def _begun_as(init: str | Path | None, trained: Mapping[str, Any], folder: Path) -> None:
    asked, before = init and Path(init).name, trained["settings"].get("init")
    if before != asked and "init" in trained["settings"]:
        raise UsageError(f"The run in {folder} began as {before}, not {asked}", "choose another --out.")


@contextmanager
def claimed(piece: Piece, out: Path) -> Iterator[bool]:
    """Whether the piece is this process's own while in the context: several may share one folder's pieces."""
    folder = out / piece.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "claim").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when the process ends
        except BlockingIOError:
            yield False
        else:
            yield True


def work(
    piece: Piece,
    cells: CellSet,
    out: Path,
    init: str | Path | None,
    minutes: float | None,
    cap: int,
    teachers: Sequence[Path] = (),
) -> Done:
    """Train what is not trained, ask what is not answered: at most `cap` cells of each class of each laboratory.

    All of a laboratory's cells are asked, whatever split they belong to: the network saw none of them. A cell of
    whose photograph it did see a copy (linked folders) is left out. `teachers`: folders that `travel` wrote, each with
    a training of the piece's name.
    """
    done = finished(piece, cells, out)
    if done is not None:
        _begun_as(init, done.trained, out / piece.name)
        return done
    folder = out / piece.name
    keras.backend.clear_session()  # else every network before this one stays in memory
    if not (folder / "report.json").is_file():
        if piece.variant == "paper":
            told = piece.settings
            fit_recipe(cells, folder, init, piece.excluded, minutes, told.seed, told.precision)
        else:
            runs = [earlier / piece.name for earlier in teachers]
            fit(
                cells,
                piece.settings,
                folder,
                init,
                exclude_labs=piece.excluded,
                minutes=minutes,
                resume=True,
                teachers=runs,
            )
    model, trained = evaluate.load_run(folder)
    _same(piece, cells, trained, folder)
    candidates = np.flatnonzero(np.isin(cells.labs, piece.judged) & seen.unseen(folder, cells))
    rows = sampling.capped(cells, candidates, cap, seed=0)
    if not len(rows):
        raise UsageError(f"No cells of {', '.join(piece.judged)} are left to judge by.")
    raw = evaluate.predict_as_trained(model, trained, cells, rows)
    with whole(folder / ANSWERS) as file:
        np.savez(file, rows=rows, raw=raw)
    (folder / "checkpoint.npz").unlink(missing_ok=True)  # of a full network some 200 MB, of no more use
    return Done(piece, trained, rows, Answers(raw, cells.labels[rows], cells.sources[rows], trained["temperature"]))

"""Which result goes with which sample of the reference, and the two observers of the reference as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .sample import Code, Remark, Sample


@dataclass(frozen=True)
class Pairs:
    pairs: tuple[tuple[Sample, Sample], ...]  # (result, reference)
    observers: tuple[tuple[Sample, Sample], ...]  # the reference's two, of the samples that have two
    remarks: tuple[Remark, ...]


def pair(results: Iterable[Sample], reference: Iterable[Sample]) -> Pairs:
    """By the sample's name. A name that two results or two lines of one observer bear is left out whole: which of them
    is meant, nobody here can know. Two observers are averaged, as CLSI H20 has it, their cells added."""
    remarks: list[Remark] = []
    mine = {key: found[0] for key, found in _by_key(results).items() if _single(found, remarks)}
    theirs: dict[str, Sample] = {}
    observers: dict[str, tuple[Sample, Sample]] = {}
    for key, found in _by_key(reference).items():
        named = _by_observer(found)
        if not all([_single(same, remarks) for same in named]):
            continue
        if len(named) > 2:
            remarks.append(Remark(Code.THIRD_OBSERVER, found[2].where, found[2].line, found[2].name))
            continue
        if len(named) == 2:
            observers[key] = (named[0][0], named[1][0])
        theirs[key] = mean(*observers[key]) if key in observers else named[0][0]
    remarks += [_lone(Code.UNMATCHED_RESULT, one) for key, one in mine.items() if key not in theirs]
    remarks += [_lone(Code.UNMATCHED_REFERENCE, one) for key, one in theirs.items() if key not in mine]
    pairs = tuple((one, theirs[key]) for key, one in mine.items() if key in theirs)
    return Pairs(pairs, tuple(observers.values()), tuple(remarks))


def mean(first: Sample, second: Sample) -> Sample:
    """Of two observers, each weighing the same; classes that both have."""
    both = {
        label: (first.percent[label] + second.percent[label]) / 2 for label in first.percent if label in second.percent
    }
    total = None if first.total is None or second.total is None else first.total + second.total
    return Sample(first.name, first.where, first.line, both, total)


def _by_key(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found = defaultdict(list)
    for sample in samples:
        found[sample.key].append(sample)
    return found


def _by_observer(samples: Sequence[Sample]) -> list[list[Sample]]:
    found = defaultdict(list)
    for sample in samples:
        found[sample.observer.casefold()].append(sample)
    return [found[observer] for observer in sorted(found)]


def _single(found: Sequence[Sample], remarks: list[Remark]) -> bool:
    if len(found) > 1:
        remarks += [_lone(Code.DUPLICATE, sample) for sample in found]
    return len(found) == 1


def _lone(code: Code, sample: Sample) -> Remark:
    return Remark(code, sample.where, sample.line, sample.name)

"""A picture for which there is not the memory is refused with what is missing, before it is taken."""

import pytest
from drawn import encoded, smear

from leuko_edge.errors import PictureError, Reason
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.pipeline import Pipeline
from leuko_edge.sources import memory
from leuko_edge.sources.picture_decoding import decode
from leuko_edge.types import Frame


def machine(root, free_kib: int, group: str = "", limits=()):
    """A root folder that says so much is free; `limits`: (folder, memory.max, memory.current, file cache)."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {free_kib} kB\n")
    if group:
        (root / "proc/self/cgroup").write_text(f"0::{group}\n")
    for folder, most, used, cached in limits:
        place = root / "sys/fs/cgroup" / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (("max", most), ("current", used), ("stat", f"anon 5\nfile {cached}")):
            (place / f"memory.{name}").write_text(f"{text}\n")
    return root


def test_what_is_free_is_the_least_of_the_machine_and_its_control_groups(tmp_path):
    assert memory.available(machine(tmp_path / "a", 1000)) == 1_024_000
    limits = [("sys/own", "max", 70, 0), ("sys", 900, 500, 100)]
    assert memory.available(machine(tmp_path / "b", 1000, "/sys/own", limits)) == 500
    assert memory.available(tmp_path / "nothing") is None


def test_a_large_picture_is_refused_where_memory_is_short_and_a_small_one_read(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 60_000_000)
    with pytest.raises(PictureError, match=r"not enough memory.*3000×2500.* 75 MB, and 60 MB are free") as caught:
        decode(encoded(smear(3000, 2500), ".jpg"))
    assert caught.value.reason is Reason.NO_MEMORY
    assert decode(encoded(smear(), ".jpg")).shape == (240, 320, 3)
    monkeypatch.setattr(memory, "available", lambda: 80_000_000)
    assert decode(encoded(smear(3000, 2500), ".jpg")).shape == (2500, 3000, 3)


def test_a_wide_stretch_of_smear_is_refused_where_memory_is_short(monkeypatch):
    class One:
        def __iter__(self):
            return iter([Frame(0, 0.0, smear(1000, 800), "wide.png")])

        def take(self, index):
            raise AssertionError

    monkeypatch.setattr(memory, "available", lambda: 60_000_000)
    (outcome,) = Pipeline(FixedClassifier("neutrophil"), 0.375).run(One())
    assert outcome.reason is Reason.NO_MEMORY and "mm² of a smear" in outcome.refused

"""A file is written whole or not at all, whatever lies in its folder."""

import os
import stat

import pytest

from leuko_edge import files
from leuko_edge.files import whole, write_whole, xdg_folder


def test_a_file_is_replaced_in_one_step_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "report.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["report.json"]


def test_what_fails_on_the_way_leaves_the_old_file_and_no_part_of_the_new(tmp_path):
    path = tmp_path / "report.json"
    write_whole(path, b"old")
    with pytest.raises(ZeroDivisionError), whole(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["report.json"]


@pytest.mark.parametrize("planted", ["link", "file"])
def test_what_is_planted_where_the_part_would_be_is_neither_followed_nor_touched(tmp_path, monkeypatch, planted):
    victim, folder = tmp_path / "victim", tmp_path / "results"
    victim.write_bytes(b"precious")
    folder.mkdir()
    monkeypatch.setattr(files.os, "urandom", bytes)  # even where the name could be foreseen
    part = folder / f".{bytes(8).hex()}.part"
    if planted == "link":
        part.symlink_to(victim)
    else:
        part.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        write_whole(folder / "report.json", b"mine")
    assert victim.read_bytes() == b"precious" and os.listdir(folder) == [part.name]


def test_a_link_in_the_place_of_the_target_is_replaced_and_not_followed(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "status.json"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    write_whole(path, b"mine")
    assert victim.read_bytes() == b"precious" and not path.is_symlink() and path.read_bytes() == b"mine"


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")[-255:]
    write_whole(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_permissions_asked_for_are_those_it_has_whatever_the_umask(tmp_path, mode):
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "x", b"", mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_folders_follow_xdg_and_ignore_what_is_not_absolute():
    assert str(xdg_folder("state", {"HOME": "/home/ada"})) == "/home/ada/.local/state/leuko-edge"
    assert str(xdg_folder("cache", {"HOME": "/home/ada", "XDG_CACHE_HOME": "/fast"})) == "/fast/leuko-edge"
    assert str(xdg_folder("config", {"HOME": "/home/ada", "XDG_CONFIG_HOME": "here"})) == "/home/ada/.config/leuko-edge"

"""deploy/install.sh on a machine of stand-ins (tests/installing.py); the device lab runs it on a real Debian."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from installing import DEPLOY, Machine
from packaging.requirements import Requirement

from leuko_edge.config.keys import table

SCRIPTS = [DEPLOY / name for name in ("install.sh", "fetch-wheels.sh", "completion.bash")]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@contextlib.contextmanager
def open_folder(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.fixture
def booted(tmp_path):
    return Machine(tmp_path, systemd=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_have_no_fault_that_shellcheck_knows(script):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    found = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_can_be_read_by_their_shell(script):
    shell = "bash" if script.suffix == ".bash" else "sh"
    subprocess.run([shell, "-n", str(script)], check=True)


REFUSED = {
    "a 32-bit system": ({"arch": "armhf"}, (), r"32-bit system \(armhf, though its kernel is 64-bit\).*64-bit"),
    "a 32-bit kernel": (
        {"arch": "armhf", "kernel": "armv7l"},
        (),
        r"32-bit system \(armhf\).*'Raspberry Pi OS \(64-bit",
    ),
    "another processor": ({"arch": "riscv64"}, (), "riscv64.*arm64 and amd64 only"),
    "no root": ({"uid": "1000"}, ("--no-start",), "needs root.*sudo sh .*install.sh --no-start"),
    "a full card": ({"free": "100"}, (), "100 MB are free.*700 MB are needed"),
    "a wheel that is not there": ({}, ("--wheel", "none.whl"), "none.whl cannot be read"),
    "no folder of wheels": ({}, ("--offline", "nowhere"), "nowhere is no folder"),
    "no network": ({"no_network": "1", "packages": ""}, (), r"apt-get update failed \(E: Could not resolve host\)"),
    "no Python, offline": (
        {"packages": ""},
        ("--offline", "WHEELS"),
        "not installed.*: python3; .*apt-get install python3",
    ),
    "a package that is not there": (
        {"fault": "pip"},
        (),
        r"pip could not install .*No matching distribution found for numpy",
    ),
    "a version that cannot count": ({"fault": "count"}, (), r"cannot count a drawn field \(leuko-edge: no model\)"),
    "a service that is not taken": ({"no_enable": "1"}, (), r"could not be enabled \(no\)"),
}


@pytest.mark.parametrize(("fakes", "options", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_installed_is_refused_in_a_sentence_and_leaves_nothing(booted, fakes, options, sentence):
    wheels = booted.folder / "wheels"
    wheels.mkdir()
    for name in ("pip-26-py3-none-any.whl", "leuko_edge-0.1.0-py3-none-any.whl"):
        (wheels / name).touch()
    before = booted.tree()
    done = booted.install(*(str(wheels) if option == "WHEELS" else option for option in options), **fakes)
    assert done.returncode == 4
    assert re.search(f"^install.sh: .*{sentence}", done.stderr)
    after = {name: content for name, content in booted.tree().items() if content or name in before}
    assert after == before
    assert not (booted.folder / "user").exists() and not (booted.folder / "enabled").exists()


@pytest.mark.parametrize(
    ("release", "sentence"),
    [
        ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"', "11 .bullseye., which is too old"),
        ('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"', "this is Ubuntu 24.04; install.sh knows"),
    ],
)
def test_systems_that_it_was_not_made_for_are_refused(machine, release, sentence):
    machine.release.write_text(release)
    done = machine.install()
    assert done.returncode == 4 and re.search(sentence, done.stderr)


@pytest.mark.parametrize(
    "options", [["--purge"], ["--what"], ["--wheel"], ["--uninstall", "--no-start"], ["--offline", ""]]
)
def test_a_wrong_command_line_exits_with_2_and_names_help(machine, options):
    done = machine.install(*options)
    assert done.returncode == 2 and "--help" in done.stderr


def test_help_names_every_option(machine):
    done = machine.install("--help")
    assert done.returncode == 0
    known = set(re.findall(r"^    (--[a-z-]+)", (DEPLOY / "install.sh").read_text(), re.M)) | {"--wheel", "--offline"}
    assert known <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_an_installation_puts_program_command_unit_configuration_and_data_where_they_belong(machine):
    done = machine.install()
    assert done.returncode == 0, done.stderr
    tree = machine.tree()
    assert tree["opt/leuko-edge"] == "-> leuko-edge.1"
    assert tree["usr/local/bin/leuko-edge"] == "-> /opt/leuko-edge/bin/leuko-edge"
    assert tree["etc/systemd/system/leuko-edge.service"] == (DEPLOY / "leuko-edge.service").read_text()
    assert "var/lib/leuko-edge" in tree
    assert "useradd --system" in machine.calls() and "usermod -aG video leuko-edge" in machine.calls()
    assert "no systemd here" in done.stdout


def test_the_installed_configuration_keeps_tuning_and_sessions_where_the_service_has_them(machine):
    machine.install()
    assert tomllib.loads(machine.config.read_text()) == {
        **{name.split(".")[0]: {} for name in table()},
        "camera": {"tuning": "/var/lib/leuko-edge/camera.json"},
        "session": {"database": "/var/lib/leuko-edge/sessions.sqlite3"},
    }


def test_uninstalling_leaves_the_disk_as_it_was(booted):
    before = booted.tree()
    assert booted.install().returncode == 0
    owned = booted.install("--paths").stdout.split()
    assert booted.install("--uninstall").returncode == 0
    left = {path for path in booted.tree() if path not in before}
    assert left == {"etc", "etc/systemd", "etc/systemd/system", "usr", "usr/local", "usr/local/bin", "var", "var/lib"}
    assert not [path for path in owned if Path(path).exists()]
    assert not (booted.folder / "user").exists() and not (booted.folder / "enabled").exists()


def test_uninstalling_keeps_sessions_and_a_changed_configuration_and_purging_does_not(machine):
    machine.install()
    data = machine.disk / "var/lib/leuko-edge/sessions.sqlite3"
    data.write_text("cells")
    machine.config.write_text("[count]\ntarget = 200\n")
    done = machine.install("--uninstall")
    assert data.read_text() == "cells" and "target = 200" in machine.config.read_text()
    assert f"chown -R 0:0 {data.parent}" in machine.calls() and "kept" in done.stdout
    assert machine.install("--uninstall", "--purge").returncode == 0
    assert not data.parent.exists() and not machine.config.parent.exists()


def test_uninstalling_works_from_the_installed_copy_of_the_script(machine):
    machine.install()
    shutil.rmtree(machine.checkout)
    copy = machine.disk / "opt/leuko-edge/share/leuko-edge/install.sh"
    assert machine.install("--uninstall", script=copy).returncode == 0
    assert not copy.exists() and not (machine.disk / "opt/leuko-edge").is_symlink()


def test_installing_again_changes_nothing_but_the_environment_in_force(machine):
    machine.install()
    first = machine.tree()
    done = machine.install()
    assert done.returncode == 0 and "is as shipped" in done.stdout
    renumbered = {
        name.replace("edge.2", "edge.1"): text.replace("edge.2", "edge.1") for name, text in machine.tree().items()
    }
    assert renumbered == first


def test_a_configuration_of_a_person_is_never_overwritten(machine):
    machine.install()
    shipped = machine.config.read_text()
    machine.config.write_text("# mine\n")
    assert "is yours" in machine.install().stdout
    assert machine.config.read_text() == "# mine\n"
    assert machine.config.with_name("leuko-edge.toml.example").read_text() == shipped


@pytest.mark.parametrize("fault", ["pip", "count"])
def test_an_upgrade_that_fails_leaves_the_old_version_as_it_is(booted, fault):
    booted.install()
    before = booted.tree()
    done = booted.install(fault=fault, version="0.2.0")
    assert done.returncode == 4 and "the installed version is as it was" in done.stderr
    assert booted.tree() == before


def test_an_upgrade_whose_service_does_not_come_up_is_taken_back(booted):
    booted.install()
    before = booted.tree()
    done = booted.install(broken="2", version="0.2.0")
    assert done.returncode == 4 and "the old one was put back" in done.stderr
    assert booted.tree() == before
    assert booted.calls().splitlines()[-2:] == [
        "systemctl reset-failed leuko-edge",
        "systemctl restart --no-block leuko-edge",
    ]


def test_an_upgrade_takes_the_place_of_the_old_version_and_removes_it(booted):
    booted.install()
    done = booted.install(version="0.2.0")
    assert "installed   leuko-edge 0.2.0" in done.stdout
    assert [path.name for path in sorted((booted.disk / "opt").iterdir())] == ["leuko-edge", "leuko-edge.2"]


def test_no_start_leaves_a_running_service_its_old_version(booted):
    booted.install()
    starts = booted.calls().count("restart")
    booted.install("--no-start")
    assert booted.calls().count("restart") == starts
    assert (booted.disk / "opt/leuko-edge.1").is_dir() and (booted.disk / "opt/leuko-edge.2").is_dir()


def test_two_runs_at_once_are_refused(machine):
    with open_folder(machine.disk / "opt") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = machine.install()
    assert done.returncode == 4 and "another install.sh is running" in done.stderr


def test_a_folder_of_somebody_else_is_not_touched(machine):
    other = machine.disk / "opt/leuko-edge"
    other.mkdir()
    done = machine.install()
    assert done.returncode == 4 and "was not made by install.sh" in done.stderr and other.is_dir()


def test_where_apt_has_picamera2_it_is_installed_alone_and_seen_by_the_environment(machine):
    done = machine.install(picamera2="0.3.31", sudo_user="pi")
    assert re.search(r"apt-get .*install --no-install-recommends python3-picamera2$", machine.calls(), re.M)
    assert re.search(r"python3 -m venv --system-site-packages .*/opt/leuko-edge.1$", machine.calls(), re.M)
    assert "usermod -aG leuko-edge,video pi" in machine.calls() and "pi is in the groups" in done.stdout


def test_on_plain_debian_picamera2_is_left_out_and_said_so(machine):
    done = machine.install()
    assert "picamera2   not among this system's packages" in done.stdout
    assert "--system-site-packages" not in machine.calls()


@pytest.mark.parametrize(("number", "name"), [("12", "bookworm"), ("13", "trixie"), ("", "trixie")])
def test_each_debian_has_its_lock_and_nothing_is_compiled_or_taken_without_its_hash(machine, number, name):
    machine.release.write_text(f"ID=debian\nVERSION_ID={number}\n")
    assert machine.install().returncode == 0
    locks = f"{machine.checkout}/deploy/locks"
    taken = [line for line in machine.calls().splitlines() if "pip install" in line]
    assert [line.partition("pip install ")[2] for line in taken[:2]] == [
        f"-q --only-binary :all: --require-hashes -r {locks}/build.txt",
        f"-q --only-binary :all: --require-hashes -r {locks}/{name}.txt",
    ]
    assert all("--no-index" in line for line in taken[2:])  # leuko-edge itself: nothing more is fetched for it
    assert "--no-build-isolation" in next(line for line in machine.calls().splitlines() if "pip wheel" in line)


@pytest.mark.parametrize("name", ["bookworm", "trixie"])
def test_constraints_narrow_what_the_package_asks_for(name):
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    asked = {need.name: need.specifier for need in map(Requirement, project["dependencies"])}
    lines = (DEPLOY / f"constraints-{name}.txt").read_text().splitlines()
    given = {
        need.name: need.specifier for need in map(Requirement, (line for line in lines if not line.startswith("#")))
    }
    assert given.keys() == asked.keys()
    for package, specifier in given.items():
        for pin in (part.version for part in specifier if part.operator == "=="):
            assert asked[package].contains(pin), f"{package} {pin} is not what pyproject.toml asks for"
    # apt's NumPy is 1.24.2 there and 2.2.4 here; OpenCV demands NumPy 2 from 4.12 on.
    assert given["numpy"].contains("1.24.2") == (name == "bookworm")
    assert given["numpy"].contains("2.2.4") == (name == "trixie")
    assert not (name == "bookworm" and given["opencv-python-headless"].contains("4.12.0.88"))


def test_the_folder_that_fetch_wheels_makes_is_all_that_an_offline_device_needs(machine):
    folder = machine.folder / "stick"
    fetched = machine.run(machine.checkout / "deploy/fetch-wheels.sh", "bookworm", str(folder))
    assert fetched.returncode == 0, fetched.stderr
    download = next(line for line in machine.calls().splitlines() if "pip download" in line)
    assert "--only-binary :all:" in download and "--python-version 3.11" in download
    assert "manylinux_2_36_aarch64" in download and "manylinux_2_37_aarch64" not in download
    assert "--require-hashes" in download and "locks/bookworm.txt" in download and "locks/pip.txt" in download
    shutil.rmtree(machine.checkout)
    machine.log.unlink()
    done = machine.install("--offline", str(folder), script=folder / "install.sh", packages="python3")
    assert done.returncode == 0, done.stderr
    assert "apt-get" not in machine.calls() and "--without-pip" in machine.calls()
    assert f"--require-hashes -r {folder}/locks/trixie.txt --no-index --find-links {folder}" in machine.calls()
    assert f"pip install -q --no-index {folder}/leuko_edge-0.1.0" in machine.calls()


def test_a_pip_on_the_stick_that_is_not_the_locked_one_is_not_run(machine):
    folder = machine.folder / "stick"
    machine.run(machine.checkout / "deploy/fetch-wheels.sh", "trixie", str(folder))
    machine.log.unlink()
    done = machine.install("--offline", str(folder), script=folder / "install.sh", packages="python3", sum="0" * 64)
    assert done.returncode == 4 and "is not the one that locks/pip.txt names" in done.stderr
    assert machine.calls() == ""


def test_the_service_is_in_the_group_of_cameras_alone_and_leaves_that_of_terminals(machine):
    machine.install(in_tty="pi,leuko-edge")
    assert "usermod -aG video leuko-edge" in machine.calls() and "gpasswd -d leuko-edge tty" in machine.calls()
    assert "usermod -aG tty" not in machine.calls()


def test_who_was_never_in_the_group_of_terminals_is_not_taken_out_of_it(machine):
    machine.install(in_tty="pi,leuko-edger")
    assert "gpasswd" not in machine.calls()


@pytest.mark.parametrize("name", ["bookworm", "trixie", "build", "pip"])
def test_locks_name_each_package_once_with_hashes_and_no_place_to_fetch_it_from(name):
    lines = [line for line in (DEPLOY / f"locks/{name}.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = [re.fullmatch(r"([\w.-]+)==\S+((?: --hash=sha256:[0-9a-f]{64})+)", line) for line in lines]
    assert pinned and all(pinned) and len({one.group(1) for one in pinned}) == len(lines)
    assert "//" not in "".join(lines)
    for package in ("numpy", "opencv-python-headless", "ai-edge-litert"):
        if name in ("bookworm", "trixie"):  # a wheel for each of the two processors
            assert next(one for one in pinned if one.group(1) == package).group(2).count("--hash") == 2


@pytest.mark.parametrize("name", ["bookworm", "trixie"])
def test_what_is_locked_lies_within_the_constraints(name):
    asked = [line for line in (DEPLOY / f"constraints-{name}.txt").read_text().splitlines() if not line.startswith("#")]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (DEPLOY / f"locks/{name}.txt").read_text(), re.M))
    for need in map(Requirement, asked):
        assert need.specifier.contains(locked[need.name])


@pytest.mark.parametrize(
    "options", [["sid", "x"], ["trixie"], ["trixie", "x", "y"], ["trixie", "x", "--arch", "armhf"]]
)
def test_fetch_wheels_refuses_what_it_does_not_know(machine, options):
    done = machine.run(machine.checkout / "deploy/fetch-wheels.sh", *options)
    assert done.returncode == 2 and "--help" in done.stderr


def test_fetch_wheels_does_not_write_into_a_folder_that_is_there(machine):
    done = machine.run(machine.checkout / "deploy/fetch-wheels.sh", "trixie", str(machine.folder))
    assert done.returncode == 4 and "is there already" in done.stderr

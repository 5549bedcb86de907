"""A machine for install.sh that exists only below a folder: its commands are stand-ins that note how they were called.

What the script does with files, links and options is real; Python, pip, apt and systemd are not run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

DEPLOY = Path(__file__).parents[1] / "deploy"

PIP_SHA256 = (DEPLOY / "locks/pip.txt").read_text().rpartition("sha256:")[2].strip()

_STUBS = {
    "id": "echo ${FAKE_UID:-0}",
    "uname": "echo ${FAKE_KERNEL:-aarch64}",
    "df": 'printf "Filesystem 1M Used Available Use%% On\\nx 1 1 %s 1%% /\\n" ${FAKE_FREE:-9000}',
    "du": 'printf "300\\t%s\\n" "$2"',
    "dpkg": "echo ${FAKE_ARCH:-arm64}",
    "dpkg-query": """
for last; do :; done
case " ${FAKE_PACKAGES-python3 python3-venv} " in *" $last "*) echo ii ;; *) exit 1 ;; esac""",
    "apt-get": "note; [ -z ${FAKE_NO_NETWORK-} ] || { echo 'E: Could not resolve host'; exit 100; }",
    "apt-cache": 'echo "  Candidate: ${FAKE_PICAMERA2:-(none)}"',
    "getent": 'case $2 in leuko-edge) [ -e "$MACHINE/user" ] ;; tty) echo "tty:x:5:${FAKE_IN_TTY-}" ;; esac',
    "gpasswd": "note",
    "sha256sum": f"cat >/dev/null; echo ${{FAKE_SUM:-{PIP_SHA256}}}",  # of the wheel of pip that the stick brings
    "useradd": 'note; touch "$MACHINE/user"',
    "userdel": 'note; rm -f "$MACHINE/user"',
    "usermod": "note",
    "groupdel": "note",
    "chown": "note",
    "systemctl": """note
in_force=$(readlink "$DESTDIR/opt/leuko-edge")
case "$*" in
*is-enabled*) [ -e "$MACHINE/enabled" ] ;;
*disable*) rm -f "$MACHINE/enabled" ;;
*enable*) [ -z "${FAKE_NO_ENABLE-}" ] || { echo no; exit 1; }; touch "$MACHINE/enabled" ;;
*is-active* | *ActiveState*) case $in_force in '') ;; *".${FAKE_BROKEN-none}") echo failed ;; *) echo active ;; esac ;;
esac""",
    "python3": """note
for last; do :; done
case "$*" in
*find_spec*) [ -n "${FAKE_PICAMERA2-}" ] ;;
"-m venv"*) mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
*"pip wheel"*) while [ "$1" != -w ]; do shift; done; touch "$2/leuko_edge-0.1.0-py3-none-any.whl" ;;
*"pip download"*) while [ "$1" != -d ]; do shift; done; touch "$2/pip-26-py3-none-any.whl" ;;
*"pip install"*)
    case "${FAKE_FAULT-} $*" in
    *build.txt*) ;;
    pip*) echo 'ERROR: No matching distribution found for numpy'; exit 1 ;;
    esac
    cat >"${0%/*}/leuko-edge" <<END
#!/bin/sh
case "${FAKE_FAULT-} \\$*" in "count --image"*) echo "leuko-edge: no model"; exit 4 ;; esac
echo "leuko-edge ${FAKE_VERSION:-0.1.0}"
END
    chmod +x "${0%/*}/leuko-edge" ;;
esac""",
}


class Machine:
    """`install(...)` runs the script on it; `tree()` is what lies on its disk."""

    def __init__(self, folder: Path, *, systemd: bool = False) -> None:
        self.folder, self.disk, self.checkout = folder, folder / "disk", folder / "checkout"
        self.log = folder / "calls"
        commands = folder / "bin"
        for path in (commands, self.disk / "opt", self.checkout):
            path.mkdir(parents=True)
        shutil.copytree(DEPLOY, self.checkout / "deploy")
        (self.checkout / "pyproject.toml").touch()
        for name, body in _STUBS.items():
            stub = commands / name
            stub.write_text(f'#!/bin/sh\ncall="{name} $*"\nnote() {{ echo "$call" >>"$MACHINE/calls"; }}\n{body}\n')
            stub.chmod(0o755)
        if systemd:
            (self.disk / "run/systemd/system").mkdir(parents=True)
        else:
            (commands / "systemctl").unlink()
        self.release = folder / "os-release"
        self.release.write_text('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
        self.environ = {
            # Only what the script needs of the machine that the tests run on: systemctl must not be found there.
            "PATH": f"{commands}:{_tools(folder / 'tools')}",
            "MACHINE": str(folder),
            "DESTDIR": str(self.disk),
            "OS_RELEASE": str(self.release),
            "PYTHON": str(commands / "python3"),
        }

    def install(self, *options: str, script: Path | None = None, **fakes: str) -> subprocess.CompletedProcess[str]:
        return self.run(script or self.checkout / "deploy/install.sh", *options, **fakes)

    def run(self, script: Path, *options: str, **fakes: str) -> subprocess.CompletedProcess[str]:
        environ = self.environ | {f"FAKE_{name.upper()}": value for name, value in fakes.items() if name != "sudo_user"}
        if "sudo_user" in fakes:
            environ["SUDO_USER"] = fakes["sudo_user"]
        return subprocess.run(["sh", str(script), *options], env=environ, capture_output=True, text=True, check=False)

    def calls(self) -> str:
        """Every call of a stand-in that changes something, a line each."""
        return self.log.read_text() if self.log.exists() else ""

    def tree(self) -> dict[str, str]:
        """Files with their content, links with their target, folders with ""."""
        return {str(path.relative_to(self.disk)): _content(path) for path in sorted(self.disk.rglob("*"))}

    @property
    def config(self) -> Path:
        return self.disk / "etc/leuko-edge/leuko-edge.toml"


def _tools(folder: Path) -> Path:
    folder.mkdir()
    names = (
        "sh awk basename cat chmod cmp cp cut dirname find flock grep head install ln ls mkdir mktemp mv readlink rm "
        "rmdir sed sleep sort tac tail touch tr wc"
    )
    for name in names.split():
        found = shutil.which(name)
        assert found, f"{name} is needed by install.sh and belongs to every Debian"
        (folder / name).symlink_to(found)
    return folder


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    return path.read_text() if path.is_file() else ""

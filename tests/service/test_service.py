"""The service as systemd and the person meet it: a real process, told of by datagrams, signals and files."""

import os
import pty
import select
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from serving import PATIENCE, Service, five_cells

from leuko_edge.service.key_socket import send


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return five_cells(tmp_path_factory.mktemp("film"))


def test_it_is_ready_after_the_first_frame_and_whatever_ends_it_goes_on_where_it_was(tmp_path, film):
    with Service(tmp_path, film, mode="held", abstract=True) as service:
        service.start()
        service.hear(lambda: "held" in heard(service))
        service.hush()
        assert service.said("EXTEND_TIMEOUT_USEC") and not service.said("READY") and not service.said("WATCHDOG")
        service.mode("")
        service.hear(lambda: bool(service.said("READY")) and sum(service.counts()) >= 2)
        service.end(signal.SIGKILL)
        [before] = service.counts()
        service.start()
        service.hear(lambda: any("5 of 100 leukocytes, neutrophil 100 %" in said for said in service.said("STATUS")))
        service.hear(lambda: len(service.said("WATCHDOG")) >= 2)
        code, journal = service.end()
        assert code == 0 and "Traceback" not in journal and "gone on with at the next start" in journal
        assert f"session 1 goes on, with {before} cells of before" in journal
        assert service.said("STOPPING") == ["1"] and service.states() == ["open"]
        assert not (service.runtime / "status.json").exists()
        service.start()
        service.hear(lambda: any(said.startswith("session 1: 5 of 100") for said in service.said("STATUS")))
        service.end()
        assert service.counts() == [5]


def test_the_watchdog_is_fed_while_frames_come_or_are_waited_for_and_by_nothing_else(tmp_path, film):
    with Service(tmp_path, film) as service:
        service.start()
        service.hear(lambda: len(service.said("WATCHDOG")) >= 2)
        service.mode("hung")
        service.hear(lambda: "hung" in heard(service))
        service.hush()
        fed = len(service.said("WATCHDOG"))
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            service.listen()
        assert len(service.said("WATCHDOG")) == fed
        service.mode("silent")  # a camera that gives up is a fault that is told and tried again
        service.hear(lambda: any(s.startswith("fault: no picture came") for s in service.said("STATUS")))
        service.hear(lambda: any(s.endswith("trying again in 2 s") for s in service.said("STATUS")))
        assert len(service.said("WATCHDOG")) > fed
        shown = service.attach("--once")
        assert shown.returncode == 4 and "check its cable; " in shown.stdout
        assert "start again" not in shown.stdout
        service.words.clear()
        service.mode("")
        service.hear(lambda: any(said.startswith("session 1: ") for said in service.said("STATUS")))
        assert float(service.said("WATCHDOG_USEC")[-1]) == 10e6  # its usual patience
        _, journal = service.end()
        assert journal.count("fault: ") == 1 and "all is well again" in journal and service.states() == ["open"]


def test_without_a_camera_it_says_so_with_growing_pauses_and_begins_when_there_is_one(tmp_path, film):
    with Service(tmp_path, film, mode="none") as service:
        service.start()
        service.hear(lambda: sum("trying again" in said for said in service.said("STATUS")) >= 3)
        pauses = [said.rsplit("trying again ")[-1] for said in service.said("STATUS") if "trying again" in said]
        assert pauses == ["in 1 s", "in 2 s", "in 4 s"]
        assert service.said("EXTEND_TIMEOUT_USEC") and not service.said("READY")
        status = service.status()
        assert status["state"] == "fault" and status["fault"] == "no camera was found; plug one in"
        service.mode("")
        send(service.runtime, " ")  # any key: at once
        service.hear(lambda: bool(service.said("READY")))
        assert service.end()[0] == 0


def test_a_refused_model_a_wrong_setting_and_a_full_disk_are_told_and_what_is_mended_is_found(tmp_path, film):
    settings, full = tmp_path / "settings.toml", tmp_path / "full"
    settings.write_text("[count]\ntarget = 'many'\n")
    with Service(tmp_path, film) as service:
        service.start("--config", settings)
        service.hear(lambda: any("settings.toml, line 2: count.target" in said for said in service.said("STATUS")))
        settings.write_text(f"[model]\npath = '{tmp_path / 'none.tflite'}'\n")
        service.hear(lambda: any("none.tflite" in said for said in service.said("STATUS")))
        full.touch()
        settings.write_text("[count]\ntarget = 5\n")
        send(service.runtime, " ")
        service.hear(lambda: any("is full" in said for said in service.said("STATUS")))
        full.unlink()
        (tmp_path / "clock").touch()  # and the clock goes back by thirty years
        send(service.runtime, " ")
        service.hear(lambda: any("target of 5 cells reached; sign it" in said for said in service.said("STATUS")))
        assert service.counts() == [5]
        _, journal = service.end()
        assert journal.count("fault: ") == 3 and "Traceback" not in journal and "--resume" not in journal


def test_at_the_goal_a_person_signs_from_elsewhere_and_the_next_session_waits_for_its_slide(tmp_path, film):
    (tmp_path / "settings.toml").write_text("[count]\ntarget = 4\n[session]\noperator = 'AB'\n")
    with Service(tmp_path, film) as service:
        service.start("--config", tmp_path / "settings.toml")
        service.hear(lambda: (service.runtime / "status.json").exists() and service.status()["state"] == "waiting")
        leader, follower = pty.openpty()
        attached, seen = service.attached("--keys", on=follower), Screen(leader)
        service.hear(lambda: seen.has(b"Sign?") and seen.has(b"Ctrl-C leaves"))
        os.write(leader, b"y")
        service.hear(lambda: any("session 2: 0 of 4 leukocytes, paused" in said for said in service.said("STATUS")))
        assert service.states() == ["signed", "open"]
        signed, new = service.counts()  # one frame may show more than the goal still asks for
        assert signed >= 4 and new == 0
        service.hear(lambda: seen.has(b"PUT THE NEW SLIDE ON"))
        named = service.attach("--sample", "S-2", "--operator", "CD")
        assert named.returncode == 0 and named.stdout == "session 2: sample S-2, operator CD\n"
        service.hear(lambda: service.status()["session"]["sample"] == "S-2")
        send(service.runtime, "p")
        service.hear(lambda: service.counts()[1] >= 4)
        attached.send_signal(signal.SIGINT)
        assert seen.until_end_of(attached) == 0 and seen.has(b"\x1b[?1049l")
        code, journal = service.end()
        assert code == 0 and f"session 1 has ended with {signed} leukocytes, signed" in journal
        assert "session 2 waits for its slide" in journal


def test_another_slide_ends_the_session_and_the_next_one_counts_its_own_cells(tmp_path, film):
    with Service(tmp_path, film) as service:
        service.start()
        service.hear(lambda: service.counts() != [] and service.counts()[0] > 0)
        for key in "nn":  # a new slide; this count is left unsigned
            send(service.runtime, key)
        service.hear(lambda: len(service.states()) == 2 and (service.status()["session"] or {}).get("session") == 2)
        first = service.counts()[0]
        session = service.status()["session"]
        assert session["slide_awaited"] and session["paused"] and service.states() == ["closed", "open"]
        assert "PUT THE NEW SLIDE ON" in service.attach("--once").stdout
        send(service.runtime, "p")
        service.hear(lambda: service.counts()[1] > 0)
        assert service.counts()[0] == first
        send(service.runtime, "a")
        send(service.runtime, "y")  # another area of the same slide: the count goes on
        time.sleep(0.5)
        assert len(service.states()) == 2
        _, journal = service.end()
        assert f"session 1 has ended with {first} leukocytes, not signed" in journal


def test_attach_only_looks_where_keys_were_not_asked_for_and_says_when_the_service_has_ended(tmp_path, film):
    leader, follower = pty.openpty()
    with Service(tmp_path, film) as service:
        service.start()
        service.hear(lambda: (service.runtime / "status.json").exists() and service.status()["state"] == "counting")
        attached, seen = service.attached(on=follower), Screen(leader)
        service.hear(lambda: seen.has(b"q leaves, the count goes on") and not seen.has(b"Ctrl-C"))
        os.write(leader, b"p")
        service.hear(lambda: seen.has(b"5 of 100"))
        assert not service.status()["session"]["paused"] and service.end()[0] == 0
        while not seen.has(b"NO SERVICE"):
            assert attached.poll() is None
        os.write(leader, b"q")
        assert seen.until_end_of(attached) == 4


def test_the_count_is_drawn_on_the_terminal_of_the_device_and_its_keys_are_heard(tmp_path, film):
    leader, follower = pty.openpty()
    with Service(tmp_path, film) as service:
        service.start("--display", os.ttyname(follower))
        seen = Screen(leader)
        service.hear(lambda: seen.has(b"COUNTING") or seen.has(b"neutrophil"))
        os.write(leader, b"p")
        service.hear(lambda: seen.has(b"PAUSED"))
        service.mode("none")
        os.write(leader, b"p")
        assert service.end()[0] == 0
        assert seen.has(b"leuko-edge: stopped") and b"\x1b[?25h" in seen.bytes  # and the cursor is there again
    os.close(follower)
    os.close(leader)


def test_a_film_ends_its_session_and_the_service(tmp_path, film):
    with Service(tmp_path, film) as service:
        service.start("--video", film, NOTIFY_SOCKET="")
        code, journal = service.process.wait(PATIENCE), service.process.stderr.read()
        assert code == 0 and "the film has ended" in journal
        assert service.states() == ["closed"] and service.counts() == [5] and not service.words


@pytest.mark.parametrize("where", ["keyframe", "page"])
def test_a_damaged_session_is_ended_with_a_sentence_and_the_next_one_is_counted(tmp_path, film, where):
    with Service(tmp_path, film) as service:
        service.start()
        service.hear(lambda: sum(service.counts()) >= 2 and kept_pieces(service) >= 2)
        service.end(signal.SIGKILL)
        [before] = service.counts()
        damage(service.database, where)
        service.start()
        service.hear(lambda: len(service.counts()) == 2 or (tmp_path / "sessions.damaged-1.sqlite3").exists())
        service.hear(lambda: bool(service.counts()) and service.counts()[-1] >= 5)
        _, journal = service.end()
        assert "Traceback" not in journal and journal.count("fault: ") == 1 and "damaged" in journal
        if where == "keyframe":
            assert service.states() == ["closed", "open"] and service.counts()[0] == before
        else:
            assert service.states() == ["open"] and "was set aside as" in journal


def kept_pieces(service: Service) -> int:
    with closing(sqlite3.connect(f"{service.database.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM keyframe").fetchone()[0])


def damage(database: Path, where: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'session'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        if where == "keyframe":
            view = bytearray(connection.execute("SELECT view FROM keyframe WHERE key = 0").fetchone()[0])
            view[len(view) // 2] ^= 1
            connection.execute("UPDATE keyframe SET view = ? WHERE key = 0", (bytes(view),))
            return
    with open(database, "r+b") as file:
        file.seek(size * (root - 1))
        file.write(b"\xff" * size)


def heard(service: Service) -> str:
    path = service.folder / "heard"
    return path.read_text() if path.exists() else ""


class Screen:
    """What was drawn on a terminal so far."""

    def __init__(self, leader: int) -> None:
        self._leader, self.bytes = leader, b""

    def has(self, part: bytes) -> bool:
        while select.select([self._leader], [], [], 0)[0]:
            try:
                self.bytes += os.read(self._leader, 65536)
            except OSError:
                break
        return part in self.bytes

    def until_end_of(self, process: subprocess.Popen) -> int:
        """Its exit code; what it draws meanwhile must be read, or it waits for that."""
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            self.has(b"")
            time.sleep(0.01)
        self.has(b"")
        return process.returncode

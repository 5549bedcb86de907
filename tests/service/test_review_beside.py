"""The review pages that the service starts beside its count."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from serving import PATIENCE, Service, five_cells

pytest.importorskip("uvicorn", reason="the review extra is not installed")


class Pages:
    """A browser of sorts, that stays who it is."""

    def __init__(self, port: int) -> None:
        self._port, self.cookie = port, ""

    def asked(self, address: str, body: object = None) -> tuple[int, bytes]:
        """(0, b"") where nobody listens."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)) as connection:
            headers = {"cookie": self.cookie}
            try:
                if body is None:
                    connection.request("GET", address, headers=headers)
                else:
                    headers["x-token"] = re.search(rb'name="token" content="(\w+)"', self.asked("/")[1])[1].decode()
                    connection.request("POST", address, json.dumps(body), headers)
                answer = connection.getresponse()
                self.cookie = (answer.headers.get("set-cookie") or self.cookie).split(";")[0]
                return answer.status, answer.read()
            except (ConnectionError, http.client.HTTPException):
                return 0, b""

    def until(self, address: str, wanted=lambda content: True) -> bytes:
        end = time.monotonic() + PATIENCE
        while True:
            status, content = self.asked(address)
            if status == 200 and wanted(content):
                return content
            assert time.monotonic() < end, f"waited in vain for {address}: {status}"
            time.sleep(0.05)


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def child(service: Service) -> int:
    found = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    return int(" ".join(path.read_text() for path in found).split()[0])


def paused_by(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [who for (who,) in connection.execute("SELECT who FROM event WHERE kind = 'paused'")]


def test_the_count_is_seen_and_its_keys_are_pressed_on_a_page_that_cannot_bring_it_down(tmp_path):
    port = free_port()
    pages = Pages(port)
    with Service(tmp_path, five_cells(tmp_path)) as service:
        service.start(LEUKO_EDGE_REVIEW_ENABLED="true", LEUKO_EDGE_REVIEW_PORT=str(port))
        seen = json.loads(pages.until("/live", lambda content: json.loads(content)["session"] == 1))
        assert seen["goal"].endswith("of 100 cells") and ["p", "pause"] in seen["keys"]
        assert b"counting now" in pages.until("/")
        picture = cv2.imdecode(np.frombuffer(pages.until("/live.jpg"), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (480, 640, 3)

        status, said = pages.asked("/live/key", {"key": "p"})
        assert status == 409 and b"say who you are" in said
        assert pages.asked("/name", {"name": "Dr. Å"})[0] == 200
        assert pages.asked("/live/key", {"key": "x"})[0] == 400
        assert pages.asked("/live/key", {"key": "p"})[0] == 200
        pages.until("/live", lambda content: json.loads(content)["word"] == "PAUSED")
        assert paused_by(service.database) == ["Dr. Å"]

        os.kill(child(service), signal.SIGKILL)  # the count goes on without it, and it comes back
        pages.until("/live", lambda content: json.loads(content)["word"] == "PAUSED")
        code, journal = service.end()
        assert code == 0 and "Traceback" not in journal and "fault" not in journal
        assert pages.asked("/") == (0, b"")


def test_pages_that_cannot_be_had_are_told_once_and_cost_the_count_nothing(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        with Service(tmp_path, five_cells(tmp_path)) as service:
            port = str(taken.getsockname()[1])
            service.start(LEUKO_EDGE_REVIEW_ENABLED="true", LEUKO_EDGE_REVIEW_PORT=port)
            service.hear(lambda: service.counts() == [5])
            end = time.monotonic() + 4
            service.hear(lambda: time.monotonic() > end)
            code, journal = service.end()
        assert code == 0 and journal.count("cannot be listened at") == 1

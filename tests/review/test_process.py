"""The review pages as the process that `leuko-edge review` is."""

import contextlib
import datetime
import ipaddress
import json
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from reviewing import LABELS, started

from leuko_edge.store.archive import Archive
from leuko_edge.store.people import People

SECONDS = 30  # that anything may take on a busy machine


def asked(address, body=None, headers=(), context=None):
    request = urllib.request.Request(address, body, dict(headers))
    with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
        return answer, answer.read()


def token(address):
    return re.search(rb'name="token" content="(\w+)"', asked(f"{address}/")[1])[1].decode()


def changing(address, *changes):
    body = {"changes": [{"cell": cell, "before": before, "after": after} for cell, before, after in changes]}
    return asked(f"{address}/sessions/1/change", json.dumps(body).encode(), {"x-token": token(address)})


def stood(database):
    """What the cells are taken for, and how many lines the history has."""
    with Archive(database) as archive:
        record = archive.record(1)
    return tuple("" if cell.undone else cell.label for cell in record.cells), len(record.events)


NO_MORE = """
import threading
from leuko_edge.review import pages
from leuko_edge.store import corrections, review
def never(*_, **__): print("reached", flush=True); threading.Event().wait()
"""
IN_THE_MIDDLE = """
take_out = corrections.take_out
def after_it(*given): take_out(*given); never()
corrections.take_out = after_it
"""
BEFORE_THE_ANSWER = "pages.Pages.state = never"


@pytest.mark.parametrize(
    ("where", "labels", "changes"),
    [(IN_THE_MIDDLE, LABELS, 0), (BEFORE_THE_ANSWER, ("basophil", *LABELS[1:]), 1)],
    ids=["before the commit", "after the commit"],
)
def test_killed_between_a_change_and_its_answer_it_is_done_or_not_done_and_never_half(database, where, labels, changes):
    import threading

    both = [(1, "neutrophil", "basophil"), (2, "lymphocyte", "")]
    asks = both if where is IN_THE_MIDDLE else both[:1]
    with started(database, before=NO_MORE + where) as (address, process):
        failed = []

        def ask():
            try:
                changing(address, *asks)
            except (OSError, urllib.error.URLError) as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        assert process.stdout.readline() == "reached\n"
        process.kill()
        asking.join(SECONDS)
        assert failed  # no answer came
    assert stood(database) == (labels, changes)
    with started(database) as (address, _):  # and from what stands it goes on
        changing(address, (3, "monocyte", "basophil"))
    assert stood(database)[1] == changes + 1


def certificate(folder):
    """(certificate, key) files of this machine, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography is not installed")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "counter")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "review.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "review.key").write_bytes(private)
    return folder / "review.pem", folder / "review.key"


def test_by_certificate_files_it_is_reached_by_tls_alone_and_its_cookies_travel_by_nothing_else(database, tmp_path):
    pem, key = certificate(tmp_path)
    People(database).add("T", "technologist", "password of T")
    with started(database, "--host", "0.0.0.0", "--certificate", pem, "--key", key) as (address, _):
        port = address.rpartition(":")[2]
        assert address == f"https://0.0.0.0:{port}"
        trusting = ssl.create_default_context(cafile=str(pem))
        here = f"https://127.0.0.1:{port}"
        assert b"Log in" in asked(f"{here}/login", context=trusting)[1]
        form = urllib.parse.urlencode({"name": "T", "password": "password of T"}).encode()
        staying = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trusting), urllib.request.HTTPCookieProcessor()
        )
        assert b"S-17" in staying.open(f"{here}/login", form, SECONDS).read()
        [cookie] = next(one for one in staying.handlers if hasattr(one, "cookiejar")).cookiejar
        assert cookie.secure and cookie.has_nonstandard_attr("HttpOnly")
        with pytest.raises(urllib.error.URLError):  # who does not know the certificate
            asked(f"{here}/login", context=ssl.create_default_context())
        with pytest.raises((urllib.error.URLError, OSError)):
            asked(f"http://127.0.0.1:{port}/login")


def test_what_is_no_certificate_is_refused_in_one_sentence(database, tmp_path, capsys):
    from leuko_edge.cli.main import main

    (tmp_path / "c.pem").write_text("nothing of the kind")
    words = ["review", "--port", "0", "--database", str(database), "--certificate", str(tmp_path / "c.pem")]
    assert main(words) == 2 and "--certificate and --key go together" in capsys.readouterr().err
    assert main([*words, "--key", str(tmp_path / "c.pem")]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_the_pages_load_nothing_heavy_until_somebody_adds_a_cell():
    heavy = {"numpy", "cv2", "ai_edge_litert", "rich", "fpdf"}
    program = f"import sys, leuko_edge.review.app, leuko_edge.cli.review; print([*{heavy} & sys.modules.keys()])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_it_ends_with_the_program_that_started_it(database):
    with started(database, "--until-input-ends") as (address, process):
        asked(f"{address}/")
        process.stdin.close()
        end = time.monotonic() + SECONDS
        while process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert process.returncode == 0
        process.stdin = None
        with contextlib.suppress(OSError), pytest.raises(urllib.error.URLError):
            asked(f"{address}/")

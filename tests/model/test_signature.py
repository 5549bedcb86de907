"""Where keys are trusted, a model from elsewhere counts with a signature by one of them, and not without."""

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from drawn import encoded, smear
from tiny import ASSETS

from leuko_convert.cli import main as convert
from leuko_edge.cli.main import main
from leuko_edge.errors import ModelError, NotInstalled
from leuko_edge.model import signature
from leuko_edge.model.card import load_verified, shipped_model


def key_pair(folder, name="key"):
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}-public.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def model(tmp_path):
    for ending in (".tflite", ".json"):
        shutil.copy(ASSETS / f"tiny{ending}", tmp_path / f"m{ending}")
    return tmp_path / "m.tflite"


def test_a_signed_model_is_taken_by_who_trusts_its_key_also_among_several(model, tmp_path, capsys):
    private, public = key_pair(tmp_path)
    _, other = key_pair(tmp_path, "other")
    assert convert(["--sign", str(private), str(model)]) == 0
    assert "m.sig" in capsys.readouterr().out
    both = tmp_path / "both.pem"
    both.write_bytes(b"# two laboratories\n" + other.read_bytes() + public.read_bytes())
    for trusted in (public, both):
        assert load_verified(model, trusted=str(trusted))[0].name == "tiny"
    with pytest.raises(ModelError, match="is not one of this model and its card"):
        load_verified(model, trusted=str(other))


def test_a_model_without_a_signature_is_refused_with_what_to_do(model, tmp_path):
    _, public = key_pair(tmp_path)
    assert load_verified(model)  # no key is trusted: none is asked for
    with pytest.raises(ModelError, match=r"is not signed: .*m\.sig is missing"):
        load_verified(model, trusted=str(public))


@pytest.mark.parametrize("change", ["card", "signature", "cut", "text", "empty"])
def test_what_was_changed_after_signing_is_noticed(model, tmp_path, change):
    private, public = key_pair(tmp_path)
    convert(["--sign", str(private), str(model)])
    beside = model.with_suffix(".sig")
    if change == "card":
        card = model.with_suffix(".json")
        card.write_text(card.read_text() + "\n")
    else:
        whole = beside.read_bytes()
        changed = {"signature": b"A" + whole[1:], "cut": whole[:40], "text": b"no signature!", "empty": b""}[change]
        assert changed != whole
        beside.write_bytes(changed)
    with pytest.raises(ModelError, match="is not one of this model and its card"):
        load_verified(model, trusted=str(public))


def test_a_signature_of_another_model_does_not_do(model, tmp_path):
    private, public = key_pair(tmp_path)
    convert(["--sign", str(private), str(model)])
    for ending in (".tflite", ".json"):
        shutil.copy(ASSETS / f"tiny-far{ending}", tmp_path / f"far{ending}")
    shutil.copy(model.with_suffix(".sig"), tmp_path / "far.sig")
    with pytest.raises(ModelError, match="is not one of this model"):
        load_verified(tmp_path / "far.tflite", trusted=str(public))


def test_the_shipped_model_needs_no_signature_whatever_is_trusted(tmp_path):
    _, public = key_pair(tmp_path)
    assert load_verified(None, trusted=str(public)) and load_verified(shipped_model(), trusted=str(public))


def test_a_file_of_keys_that_holds_none_is_said_to_be_that(model, tmp_path):
    private, _ = key_pair(tmp_path)
    convert(["--sign", str(private), str(model)])
    for trusted in (private, model, tmp_path / "absent.pem"):
        with pytest.raises(ModelError, match=r"does not hold Ed25519 public keys|cannot be read"):
            load_verified(model, trusted=str(trusted))


def test_signing_needs_a_certified_model_and_a_private_key(model, tmp_path, capsys):
    private, public = key_pair(tmp_path)
    assert convert(["--sign", str(public), str(model)]) == 2
    assert "no Ed25519 private key" in capsys.readouterr().err
    assert convert(["--sign", str(private), str(tmp_path / "absent.tflite")]) == 4
    assert not model.with_suffix(".sig").exists()


def test_without_cryptography_it_is_said_what_to_install(model, tmp_path, monkeypatch):
    _, public = key_pair(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(NotInstalled, match=r"leuko-edge\[signing\]"):
        load_verified(model, trusted=str(public))


def test_counting_with_a_model_that_nobody_vouches_for_ends_with_4_and_one_sentence(model, tmp_path, capsys):
    private, public = key_pair(tmp_path)
    (tmp_path / "a.png").write_bytes(encoded(smear(), ".png"))
    settings = tmp_path / "config.toml"
    settings.write_text(f'[model]\npath = "{model}"\ntrusted_keys = "{public.name}"\n')
    words = ["--image", str(tmp_path / "a.png"), "--config", str(settings), "--model", str(model), "--quiet"]
    assert main(words) == 4
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "is not signed" in said[0]
    convert(["--sign", str(private), str(model)])
    assert main(words) in (0, 3)  # the tiny model may call a drawn cell anything


def test_a_key_made_by_openssl_as_the_help_says_signs(model, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    private, public = tmp_path / "k.pem", tmp_path / "p.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    assert convert(["--sign", str(private), str(model)]) == 0
    assert load_verified(model, trusted=str(public))
    assert model.with_suffix(".sig").name.endswith(signature.SUFFIX)

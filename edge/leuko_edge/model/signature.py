"""Who vouches for a model that comes from elsewhere: an Ed25519 signature (RFC 8032) over model and card together.

It lies beside the model, NAME.sig, as 64 bytes in base64. Where the configuration names trusted keys, a model other
than the shipped one is taken only with a signature by one of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, NotInstalled, UsageError
from ..files import write_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SUFFIX = ".sig"
LARGEST = 100_000  # bytes of a file of keys or of a signature
_PURPOSE = b"leuko-edge model and card, 1\n"  # no signature made for something else is one of a model
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def check(path: Path, model: bytes, card: bytes, trusted: str | os.PathLike[str]) -> None:
    """ModelError unless the file beside `path` is a signature of these bytes by one of the keys in `trusted` (PEM);
    NotInstalled without the package cryptography."""
    keys = _public_keys(trusted)
    beside = path.with_suffix(SUFFIX)
    signature = _read_signature(beside, path)
    for key in keys:
        if _made_by(key, signature, _statement(model, card)):
            return
    raise ModelError(
        f"The signature {beside} is not one of this model and its card by a key in {trusted}",
        "fetch model, card and signature together again, from who signs them.",
    )


def sign(path: Path, model: bytes, card: bytes, private_key: str | os.PathLike[str]) -> Path:
    """Write the signature of these bytes beside `path`, by an Ed25519 private key (PEM without a password).

    UsageError for a key that is none; OSError where the signature cannot be written.
    """
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(Path(private_key).read_bytes(), None)
    except OSError as error:
        raise UsageError(f"The key {private_key} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{private_key} is no Ed25519 private key without a password",
            "make one with: openssl genpkey -algorithm ed25519 -out KEY.pem",
        )
    beside = path.with_suffix(SUFFIX)
    write_whole(beside, base64.b64encode(key.sign(_statement(model, card))) + b"\n")
    return beside


def _statement(model: bytes, card: bytes) -> bytes:
    return _PURPOSE + hashlib.sha256(model).digest() + hashlib.sha256(card).digest()


def _public_keys(trusted: str | os.PathLike[str]) -> list[Ed25519PublicKey]:
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        with open(trusted, "rb") as stream:
            content = stream.read(LARGEST)
        found = [load_pem_public_key(pem) for pem in _PEM.findall(content)]
    except OSError as error:
        raise ModelError(f"The trusted keys {trusted} cannot be read: {error.strerror or error}.") from None
    except (ValueError, UnsupportedAlgorithm):
        found = []
    keys = [key for key in found if isinstance(key, Ed25519PublicKey)]
    if not keys or len(keys) != len(found):
        raise ModelError(
            f"{trusted} does not hold Ed25519 public keys",
            "write one there with: openssl pkey -in KEY.pem -pubout",
        )
    return keys


def _read_signature(beside: Path, path: Path) -> bytes:
    try:
        with beside.open("rb") as stream:
            return base64.b64decode(stream.read(LARGEST).strip(), validate=True)
    except FileNotFoundError:
        raise ModelError(
            f"The model {path} is not signed: {beside} is missing",
            "put the signature that came with the model beside it.",
        ) from None
    except OSError as error:
        raise ModelError(f"The signature {beside} cannot be read: {error.strerror or error}.") from None
    except binascii.Error:
        return b""  # no signature of anything


def _made_by(key: Ed25519PublicKey, signature: bytes, statement: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def _library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise NotInstalled(
            "signatures of models need the package cryptography, which is not installed",
            "install it with: pip install 'leuko-edge[signing]'",
        ) from None

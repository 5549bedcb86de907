"""`leuko-convert --sign KEY MODEL…`: vouch for certified models that go to other laboratories.

A key is made once, and its public half given to those who shall trust it (`model.trusted_keys`):

    openssl genpkey -algorithm ed25519 -out KEY.pem
    openssl pkey -in KEY.pem -pubout -out model-keys.pem

A signature is of the model and of its card as they are: certify first (`leuko-check --certify`), then sign.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from leuko_edge.cli.grammar import Terse
from leuko_edge.model import signature
from leuko_edge.model.card import load_verified


def run(words: Sequence[str]) -> int:
    """0. ModelError for a model that no device would take; UsageError for a key that is none; OSError of the disk."""
    parser = Terse(prog="leuko-convert", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sign", type=Path, required=True, metavar="KEY", help="Ed25519 private key, PEM")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".tflite file with its card beside it")
    options = parser.parse_args(words)
    for model in options.models:
        _, content = load_verified(model)
        written = signature.sign(model, content, model.with_suffix(".json").read_bytes(), options.sign)
        print(f"{written}  signs {model.name} and its card", file=sys.stdout)
    return 0

"""What a training run is told: one frozen dataclass, each field an option of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from leuko_edge.errors import UsageError

from ..data.augment import STRENGTHS
from ..network.vgg16 import CONFIGS

KEEP = ("best", "last")
BATCHES = ("mixed", "laboratory")
"""Normalisation of the batch then learns with each laboratory's own statistics; `own-statistics` judges it so."""
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Keras' dtype policy for each precision: weights and their averages stay float32."""


def _option(default: Any, text: str, **more: Any) -> Any:
    return field(default=default, metadata={"help": text, **more})


@dataclass(frozen=True)
class Settings:
    """One training run; a resume must have the same, except for `epochs`."""

    network: str = _option("leuko-vgg16", "named configuration", choices=tuple(CONFIGS))
    trunk: str = _option("", "last layer that stays frozen, if not the network's own")
    window_um: float = _option(24.0, "side of the network's window in µm")
    input_size: int = _option(64, "side of the network's window in pixels")
    dropout: float = _option(0.3, "rate around the dense layer")
    epochs: int = _option(40, "an epoch trains on --views views")
    views: int = _option(6144, "views an epoch")
    reuse: float = _option(2.5, "epochs in which a view is used before a new one takes its place")
    batch: int = _option(64, "views a step, over all devices together")
    learning_rate: float = _option(1e-3, "of AdamW, at its highest, for the layers after the convolutions")
    head_rate: float = _option(30.0, "how many times faster than the convolutions those layers learn")
    weight_decay: float = _option(1e-2, "of AdamW")
    warmup: int = _option(2, "epochs of rising learning rate")
    label_smoothing: float = _option(0.05, "share of the label spread over all classes")
    ema: float = _option(0.995, "momentum of the weights' moving average, which validation and export use")
    augment: str = _option("full", "what the views change of a cell", choices=tuple(STRENGTHS))
    class_power: float = _option(0.35, "cells of one class of one laboratory weigh count**this")
    lab_power: float = _option(0.3, "a laboratory's weight **this: 0 makes all laboratories the same")
    lab_weights: str = _option("", "'NAME:W NAME:W': more (or less) of these laboratories; 1 where not given")
    class_weights: str = _option("", "'NAME:W NAME:W': more (or less) of these classes; 0 is none of them")
    source_power: float = _option(1.0, "cells of one smear or patient of a class of a laboratory weigh count**this")
    absent: float = _option(0.2, "weight in the loss of a class that the cell's laboratory never names")
    focal: float = _option(0.0, "power of (1 - answer) in the loss: above 0, cells that are named well count less")
    taught: float = _option(0.0, "share of the loss that asks for the answer of --teachers instead of the name")
    batches: str = _option("mixed", "whether a batch holds the views of one laboratory", choices=BATCHES)
    style: float = _option(0.0, "share of the views under a style mixed with another laboratory's, same class")
    validation_cap: int = _option(80, "validation cells at most, of each class of each laboratory")
    precision: str = _option(
        "float32", "of the arithmetic; bfloat16 is quicker where the processor has it", choices=tuple(POLICIES)
    )
    keep: str = _option("best", "epoch whose network is kept: the best on validation, or the last", choices=KEEP)
    seed: int = _option(1, "of everything random")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each field, with its default in the help."""
    for option in fields(Settings):
        parser.add_argument(
            "--" + option.name.replace("_", "-"),
            type=type(option.default),
            default=option.default,
            choices=option.metadata.get("choices"),
            help=f"{option.metadata['help']} (%(default)s)",
        )


def weights(option: str, text: str) -> dict[str, float]:
    """Weights by name, of the text of an option. Raises UsageError for what is not NAME:W."""
    result = {}
    for word in text.split():
        name, _, value = word.rpartition(":")
        try:
            result[name] = float(value)
        except ValueError:
            raise UsageError(f"--{option} {word!r} is not NAME:W, as in 'pbc:2'.") from None
    return result


def as_made(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run's report or checkpoint holds: one that came since had its default."""
    return asdict(Settings()) | dict(settings)


def from_arguments(args: argparse.Namespace) -> Settings:
    return Settings(**{option.name: getattr(args, option.name) for option in fields(Settings)})

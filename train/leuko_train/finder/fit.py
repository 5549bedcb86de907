"""Training of the finder's network: `fit`, which goes on where it was stopped."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch

from . import network
from .pictures import UNKNOWN, Picture
from .views import Views
from .weights import CHECKPOINT, WEIGHTS

BATCH = 32
RATE, DECAY = 3e-3, 1e-3
WARM_UP = 50  # steps
SHOWN = 4.0  # weight of the map's few pixels in cells' middles
BODY = 0.4  # weight of the second map
KEPT = 100  # steps between two checkpoints


def fit(
    pictures: Sequence[Picture],
    run: Path,
    steps: int,
    seed: int = 0,
    say: Callable[[int, float], None] = lambda step, loss: None,
    batch: int = BATCH,
) -> Path:
    """Train for `steps` and write the weights to `run`; an interrupted training goes on from its last checkpoint."""
    run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    keras.config.set_image_data_format("channels_first")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = network.build()
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY)
    done = 0
    checkpoint = run / CHECKPOINT
    if checkpoint.is_file():
        kept = torch.load(checkpoint, map_location=device)
        done = int(kept["step"])
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
    views = Views(pictures, seed * 100_000 + done)
    losses: list[float] = []
    for step in range(done, steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-5
        drawn = [views.draw() for _ in range(batch)]
        shown = torch.from_numpy(np.stack([v.shown for v in drawn]).transpose(0, 3, 1, 2)).to(device).float()
        targets = torch.from_numpy(np.stack([np.stack([v.centre, v.body]) for v in drawn])).to(device)
        loss = loss_of(model(shown, training=True), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % KEPT == 0 or step + 1 == steps:
            kept = {"step": step + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(kept, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
            model.save_weights(run / WEIGHTS)
            say(step + 1, float(np.mean(losses[-KEPT:])))
    return run / WEIGHTS


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of (n, 8, h, w) logits with (n, 2, 2h, 2w) targets 0, 1 or `UNKNOWN`."""
    maps = torch.nn.functional.pixel_shuffle(logits, network.SUB)
    known = (targets != UNKNOWN).float()
    truth = (targets == 1).float()
    weight = known.clone()
    weight[:, 0] *= 1 + (SHOWN - 1) * truth[:, 0]
    each = torch.nn.functional.binary_cross_entropy_with_logits(maps, truth, reduction="none") * weight
    centre, body = (each[:, n].sum() / known[:, n].sum().clamp(min=1) for n in (0, 1))
    return centre + BODY * body

"""Worker of `cross_stitch_step.py`: trains the plain PyTorch pair."""

import os

import numpy as np
import torch

from benchmarks._workers import (
    ALPHA_MULTIPLIER,
    CLASSES,
    LEARNING_RATE,
    MOMENTUM,
    WEIGHT_DECAY,
    seconds_of,
    serve,
    settings_of_this_worker,
    synthetic_batch,
)
from benchmarks.plain_torch_fcn import PlainTorchFCN, losses


class Pair:
    """The model, its optimizer and its batch in one memory format."""

    def __init__(self, settings, path, memory_format):
        keras = np.load(path)
        images, labels, normals = synthetic_batch(settings["size"], settings["batch"])
        # A PyTorch user's loader hands over such tensors, so that none of this is timed.
        images = torch.from_numpy(images).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=memory_format)
        self.targets = torch.from_numpy(labels).long(), torch.from_numpy(normals)
        self.codewords = torch.from_numpy(keras["codewords"])
        self.net = PlainTorchFCN(
            (CLASSES, len(self.codewords)),
            settings["size"],
            **settings["network"],
            crop=int(keras["crop"]),
        ).to(memory_format=memory_format)
        units = list(self.net.units.parameters())
        others = [*self.net.towers.parameters(), *self.net.heads.parameters()]
        self.optimizer = torch.optim.SGD(
            [
                {"params": others, "weight_decay": WEIGHT_DECAY},
                {"params": units, "lr": LEARNING_RATE * ALPHA_MULTIPLIER},
            ],
            lr=LEARNING_RATE,
            momentum=MOMENTUM,
            fused=True,
        )

    def step(self):
        self.net.train()
        self.optimizer.zero_grad()
        loss = sum(losses(self.net(self.images), *self.targets, self.codewords))
        loss.backward()
        self.optimizer.step()
        value = loss.item()
        assert np.isfinite(value), value

    @torch.no_grad()
    def difference(self, path):
        """Largest relative difference, on one batch, to what a Keras model computed."""
        keras = np.load(path)
        self.net.load_keras(keras)
        self.net.eval()
        logits = self.net(self.images)
        values = losses(logits, *self.targets, self.codewords)
        ours = [each.permute(0, 2, 3, 1) for each in logits] + list(values)
        theirs = [keras[name] for name in ("logits/0", "logits/1", "loss/0", "loss/1")]
        return max(
            float(np.abs(a.numpy() - b).max() / np.abs(b).max())
            for a, b in zip(ours, theirs, strict=True)
        )


def main():
    settings = settings_of_this_worker()
    pairs = {}

    def load(path):
        """Takes over what the Keras worker wrote; returns how far outputs and losses differ."""
        if not pairs:
            for name in ("contiguous_format", "channels_last"):
                pairs[name] = Pair(settings, path, getattr(torch, name))
        return max(pair.difference(path) for pair in pairs.values())

    def about():
        return {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
        }

    serve(
        {
            "about": about,
            "load": load,
            "step": lambda memory_format, count: seconds_of(pairs[memory_format].step, count),
        }
    )


if __name__ == "__main__":
    main()

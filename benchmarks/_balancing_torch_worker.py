"""Worker of `balancing.py`: the same network in plain PyTorch, under TorchJD and LibMTL."""

import importlib.util

import numpy as np
import torch
from torch import nn

from benchmarks._workers import (
    LEARNING_RATE,
    MOMENTUM,
    seconds_of,
    serve,
    settings_of_this_worker,
)


class Block(nn.Module):
    """A basic block of a ResNet."""

    def __init__(self, before, channels, stride):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or before != channels:
            conv = nn.Conv2d(before, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x):
        return torch.relu(self.shortcut(x) + self.residual(x))


class ResNet18(nn.Sequential):
    """ImageNet's ResNet-18 without its classifier."""

    def __init__(self):
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        blocks, before = [], 64
        for channels, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Block(before, channels, stride), Block(channels, channels, 1)]
            before = channels
        super().__init__(*stem, nn.MaxPool2d(3, 2, 1), *blocks)


def head():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1))


class ByHand:
    """The network, its optimizer, and what takes its gradients."""

    def __init__(self, tasks, images, backward, memory_format=torch.channels_last):
        torch.manual_seed(0)
        layout = {"memory_format": memory_format}
        self.trunk, self.heads = (
            ResNet18().to(**layout),
            nn.ModuleList(head() for _ in range(tasks)),
        )
        self.images, self.labels = images.to(**layout), torch.randn(tasks, len(images), 1)
        self.parameters = [*self.trunk.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.SGD(self.parameters, LEARNING_RATE, MOMENTUM)
        self.backward = backward

    def step(self):
        self.optimizer.zero_grad()
        features = self.trunk(self.images)
        pairs = zip(self.heads, self.labels, strict=True)
        losses = [nn.functional.mse_loss(each(features), labels) for each, labels in pairs]
        self.backward(losses, features, self.trunk)
        self.optimizer.step()
        assert np.isfinite(sum(loss.item() for loss in losses))


def plain(losses, features, trunk):
    sum(losses).backward()


def torchjd(chunk):
    from torchjd.aggregation import PCGrad
    from torchjd.autojac import jac_to_grad, mtl_backward

    def backward(losses, features, trunk):
        mtl_backward(losses, features=features, parallel_chunk_size=chunk)
        jac_to_grad(trunk.parameters(), PCGrad())

    return backward


class ByLibMTL(ByHand):
    """The same trunk and heads in LibMTL's own model, as its trainer makes it.

    Its gradients of weights cannot have their channels last.
    """

    def __init__(self, tasks, images, weighting, rep_grad):
        from LibMTL.architecture import HPS

        super().__init__(tasks, images, None, torch.contiguous_format)
        names = [str(number) for number in range(tasks)]
        model = type("Model", (HPS, weighting), {})
        device = torch.device("cpu")
        heads = nn.ModuleDict(dict(zip(names, self.heads, strict=True)))
        self.model = model(names, lambda: self.trunk, heads, rep_grad, False, device)
        self.options = {"mgda_gn": "none"}
        # What version 1.1.5 expects, and PyTorch has not done by default since 2.0.
        self.model.zero_grad_share_params = lambda: self.trunk.zero_grad(set_to_none=False)

    def step(self):
        self.optimizer.zero_grad()
        made = self.model(self.images)
        pairs = zip(made.values(), self.labels, strict=True)
        losses = torch.stack([nn.functional.mse_loss(x, labels) for x, labels in pairs])
        self.model.backward(losses, **self.options)
        self.optimizer.step()
        assert np.isfinite(losses.sum().item())


def main():
    settings = settings_of_this_worker()
    tasks, size, batch = settings["tasks"], settings["size"], settings["batch"]
    images = torch.rand(batch, 3, size, size)
    made = {"by hand: plain": ByHand(tasks, images, plain)}
    if importlib.util.find_spec("torchjd"):
        made["by hand: TorchJD's PCGrad"] = ByHand(tasks, images, torchjd(1))
        made["by hand: TorchJD's PCGrad, vmap"] = ByHand(tasks, images, torchjd(None))
    if importlib.util.find_spec("LibMTL"):
        from LibMTL import weighting

        made["LibMTL: plain"] = ByLibMTL(tasks, images, weighting.EW, False)
        made["LibMTL: MGDA, rep_grad"] = ByLibMTL(tasks, images, weighting.MGDA, True)
        made["LibMTL: PCGrad"] = ByLibMTL(tasks, images, weighting.PCGrad, False)
    serve(
        {
            "known": lambda: list(made),
            "step": lambda name, count: seconds_of(made[name].step, count),
        }
    )


if __name__ == "__main__":
    main()

"""Worker of `towers.py`: its networks by hand in plain PyTorch."""

import numpy as np
import torch
from torch import nn

from benchmarks._workers import (
    ALPHA_MULTIPLIER,
    MOMENTUM,
    TOWERS_CLASSES,
    TOWERS_RATE,
    labelled_images,
    seconds_of,
    serve,
    settings_of_this_worker,
)


class Convolution(nn.Sequential):
    """A convolution, its batch normalisation, and an activation if asked."""

    def __init__(self, name, before, channels, size=3, stride=1, relu=None, groups=1):
        padding = size // 2
        conv = nn.Conv2d(before, channels, size, stride, padding, groups=groups, bias=False)
        # The numbers of Keras.
        super().__init__(conv, nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01))
        self.name = name
        if relu is not None:
            self.append(relu(inplace=True))

    def load(self, weights, task):
        kernel = weights[f"{task}/{self.name}_conv/0"]
        order = (2, 3, 0, 1) if self[0].groups > 1 else (3, 2, 0, 1)
        names = ("weight", "bias", "running_mean", "running_var")
        pairs = [(self[0].weight, kernel.transpose(order))]
        for index, name in enumerate(names):
            pairs.append((getattr(self[1], name), weights[f"{task}/{self.name}_bn/{index}"]))
        for target, value in pairs:
            target.copy_(torch.from_numpy(np.ascontiguousarray(value)))


class Residual(nn.Module):
    """The sum of a shortcut and a residual, with an activation if asked."""

    def __init__(self, residual, shortcut=None, relu=False):
        super().__init__()
        self.residual, self.shortcut = residual, shortcut or nn.Identity()
        self.relu = nn.ReLU(inplace=True) if relu else nn.Identity()

    def forward(self, x):
        return self.relu(self.shortcut(x) + self.residual(x))


def resnet18():
    """The stages of a ResNet-18."""
    stages, before = [], 64
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        blocks = []
        if stage == 1:
            blocks = [Convolution("stem", 3, 64, 7, 2, nn.ReLU), nn.MaxPool2d(3, 2, 1)]
        for block in range(2):
            name, stride = f"stage{stage}_{block}", 2 if stage > 1 and block == 0 else 1
            residual = nn.Sequential(
                Convolution(f"{name}_1", before, channels, 3, stride, nn.ReLU),
                Convolution(f"{name}_2", channels, channels),
            )
            shortcut = None
            if stride > 1:
                shortcut = Convolution(f"{name}_0", before, channels, 1, stride)
            blocks.append(Residual(residual, shortcut, relu=True))
            before = channels
        stages.append(nn.Sequential(*blocks))
    return stages, ["stage1_1", "stage2_1", "stage3_1", "stage4_1"], before


def mobile_net_v2():
    """The stages of a MobileNetV2 of width 1."""
    table = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    stages, before = [], 32
    blocks = [Convolution("stem", 3, 32, 3, 2, nn.ReLU6)]
    for channels, repeats, first_stride in table:
        for block in range(repeats):
            name, stride = f"block{channels}_{block}", first_stride if block == 0 else 1
            wide, layers = before * (1 if channels == 16 else 6), []
            if wide > before:
                layers.append(Convolution(f"{name}_1", before, wide, 1, 1, nn.ReLU6))
            layers.append(Convolution(f"{name}_2", wide, wide, 3, stride, nn.ReLU6, groups=wide))
            layers.append(Convolution(f"{name}_3", wide, channels, 1))
            layers = nn.Sequential(*layers)
            blocks.append(Residual(layers) if stride == 1 and before == channels else layers)
            before = channels
        if channels in (24, 32, 96):
            stages.append(nn.Sequential(*blocks))
            blocks = []
    stages.append(nn.Sequential(*blocks, Convolution("last", 320, 1280, 1, 1, nn.ReLU6)))
    return stages, ["block24_1", "block32_2", "block96_2", "last"], 1280


NETWORKS = {"ResNet-18": resnet18, "MobileNetV2": mobile_net_v2}


class CrossStitch(nn.Module):
    """The features of T towers, mixed by a T × T matrix for each channel."""

    def __init__(self, alpha):
        super().__init__()
        self.alpha = nn.Parameter(torch.from_numpy(alpha))

    def forward(self, features):
        mixtures = []
        for row in self.alpha[..., None, None]:
            mixture = row[0] * features[0]
            for weight, each in zip(row[1:], features[1:], strict=True):
                mixture = torch.addcmul(mixture, weight, each)
            mixtures.append(mixture)
        return mixtures


class Network(nn.Module):
    """One tower for all tasks, or one for each with units between them; and the heads."""

    def __init__(self, network, tasks, weights):
        super().__init__()
        build = NETWORKS[network]
        _, self.cuts, channels = build()
        alphas = [weights.get(f"{cut}/alpha") for cut in self.cuts]
        self.units = nn.ModuleList(CrossStitch(each) for each in alphas if each is not None)
        towers = tasks if self.units else 1
        self.towers = nn.ModuleList(nn.ModuleList(build()[0]) for _ in range(towers))
        self.heads = nn.ModuleList(nn.Linear(channels, TOWERS_CLASSES) for _ in range(tasks))

    @torch.no_grad()
    def load(self, weights):
        for task, tower in enumerate(self.towers):
            for module in tower.modules():
                if isinstance(module, Convolution):
                    module.load(weights, task)
        for task, head in enumerate(self.heads):
            head.weight.copy_(torch.from_numpy(weights[f"{task}/head/0"].T))
            head.bias.copy_(torch.from_numpy(weights[f"{task}/head/1"]))

    def forward(self, images):
        features = [images] * len(self.towers)
        for number in range(len(self.cuts)):
            features = [
                tower[number](each) for tower, each in zip(self.towers, features, strict=True)
            ]
            if self.units:
                features = self.units[number](features)
        pooled = [each.mean((2, 3)) for each in features]
        pooled = pooled if self.units else pooled * len(self.heads)
        return [head(each) for head, each in zip(self.heads, pooled, strict=True)]


class Program:
    """A network, its optimizer and its batch."""

    def __init__(self, settings, weights):
        images, labels = labelled_images(settings)
        layout = {"memory_format": torch.channels_last}
        # A loader of PyTorch hands over such tensors.
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(**layout)
        self.labels = [torch.from_numpy(each).long() for each in labels]
        self.net = Network(settings["network"], settings["tasks"], weights).to(**layout)
        self.net.load(weights)
        groups = [
            {"params": [*self.net.towers.parameters(), *self.net.heads.parameters()]},
            {"params": list(self.net.units.parameters()), "lr": TOWERS_RATE * ALPHA_MULTIPLIER},
        ]
        self.optimizer = torch.optim.SGD(groups, TOWERS_RATE, momentum=MOMENTUM, fused=True)

    def step(self):
        self.net.train()
        self.optimizer.zero_grad()
        pairs = zip(self.net(self.images), self.labels, strict=True)
        loss = sum(nn.functional.cross_entropy(logits, labels) for logits, labels in pairs)
        loss.backward()
        self.optimizer.step()
        value = loss.item()
        assert np.isfinite(value), value
        return value

    def difference(self, weights):
        """The largest relative one to outputs and losses of the Keras model."""
        self.net.train()
        with torch.no_grad():
            ours = [each.numpy() for each in self.net(self.images)]
        theirs = [weights[f"outputs/{number}"] for number in range(len(ours))]
        ours.append(np.array([self.step() for _ in range(3)]))
        theirs.append(weights["losses"])
        pairs = zip(ours, theirs, strict=True)
        return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def main():
    settings, programs = settings_of_this_worker(), {}

    def load(name, path):
        """Takes over what the Keras worker wrote; returns how far outputs and losses differ."""
        weights = dict(np.load(path))
        programs[name] = Program(settings, weights)
        return programs[name].difference(weights)

    serve(
        {"load": load, "step": lambda name, count: seconds_of(programs[name].step, count)},
    )


if __name__ == "__main__":
    main()

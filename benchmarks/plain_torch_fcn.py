"""The cross-stitched pair of CaffeNet-FCNs as one would write it in plain PyTorch.

The yardstick of `cross_stitch_step.py`: the function of `keras_mtl.applications.CrossStitchFCN`
(checked there before anything is timed), by PyTorch's own operators where no other is faster.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

UNITS = ("pool1", "pool2", "pool5", "fc6", "fc7")
MEAN_RGB = (123.0, 117.0, 104.0)


class LRN(nn.Module):
    """`nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)`, in a quarter to a half of its time.

    The sum over five channels is a product with a band matrix, the power one of roots.
    """

    def __init__(self, channels):
        super().__init__()
        channel = torch.arange(channels)
        band = ((channel[:, None] - channel).abs() <= 2).float()
        self.register_buffer("band", band[:, :, None, None])

    def forward(self, x):
        sums = functional.conv2d(x * x, self.band)
        root = (1 + 1e-4 / 5 * sums).rsqrt()
        return x * (root * root.sqrt())


def pool():
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def tower(width, stem_strides, padding, size):
    """CaffeNet from pixels to fc7, cut behind the layers that a unit may follow."""
    c96, c256, c384, c4096 = (max(2, round(n * width)) for n in (96, 256, 384, 4096))
    if padding == "same":
        total = max((math.ceil(size / stem_strides) - 1) * stem_strides + 11 - size, 0)
        before, behind = total - total // 2, total // 2
        pad1, pad6 = nn.ZeroPad2d((before, behind, before, behind)), nn.ZeroPad2d((3, 2, 3, 2))
        padding = 0
    else:
        pad1, pad6 = nn.Identity(), nn.Identity()
    relu = nn.ReLU(inplace=True)
    conv1 = nn.Conv2d(3, c96, 11, stem_strides, padding)
    conv2 = nn.Conv2d(c96, c256, 5, padding=2, groups=2)
    conv3 = nn.Conv2d(c256, c384, 3, padding=1)
    conv4 = nn.Conv2d(c384, c384, 3, padding=1, groups=2)
    conv5 = nn.Conv2d(c384, c256, 3, padding=1, groups=2)
    fc6, fc7 = nn.Conv2d(c256, c4096, 6), nn.Conv2d(c4096, c4096, 1)
    return nn.ModuleDict(
        {
            "pool1": nn.Sequential(pad1, conv1, relu, pool()),
            "pool2": nn.Sequential(LRN(c96), conv2, relu, pool()),
            "pool5": nn.Sequential(LRN(c256), conv3, relu, conv4, relu, conv5, relu, pool()),
            "fc6": nn.Sequential(pad6, fc6, relu),
            "fc7": nn.Sequential(nn.Dropout(), fc7, relu),
        }
    )


class CrossStitch(nn.Module):
    """Two towers' features, mixed by a 2 × 2 matrix for each channel."""

    def __init__(self, channels):
        super().__init__()
        alpha = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
        self.alpha = nn.Parameter(alpha[:, :, None].repeat(1, 1, channels))

    def forward(self, a, b):
        alpha = self.alpha[..., None, None]
        return alpha[0, 0] * a + alpha[0, 1] * b, alpha[1, 0] * a + alpha[1, 1] * b


class Head(nn.Module):
    """Scores, and their bilinear deconvolution with its crop as one product an axis."""

    def __init__(self, features, channels, rows, size, stride, crop):
        super().__init__()
        self.dropout, self.score = nn.Dropout(), nn.Conv2d(features, channels, 1)
        # Not a ConvTranspose2d, which gives the same numbers at many times the cost.
        position = crop + torch.arange(size)[:, None] - stride * torch.arange(rows)
        weights = (1 - (position - (stride - 1)).abs() / stride).clamp(min=0)
        self.register_buffer("weights", weights)

    def forward(self, x):
        return self.weights @ (self.score(self.dropout(x)) @ self.weights.T)


class PlainTorchFCN(nn.Module):
    """Two towers, a unit behind each of `UNITS`, a head each; logits are (batch, channels, H, W).

    Args:
        channels: numbers of output channels, a pair.
        size: side of the image, in pixels.
        width, stem_strides, padding, rescale: as in `keras_mtl.applications.FCN`.
        crop: pixels left out of the upsampled scores at the top and the left.
    """

    def __init__(self, channels, size, width, stem_strides, padding, rescale, crop):
        super().__init__()
        self.rescale = rescale
        self.register_buffer("mean", torch.tensor(MEAN_RGB)[:, None, None])
        self.towers = nn.ModuleList(tower(width, stem_strides, padding, size) for _ in range(2))
        with torch.no_grad():
            x, maps = torch.zeros(1, 3, size, size), {}
            for name in UNITS:
                x = maps[name] = self.towers[0][name](x)
        self.units = nn.ModuleDict({name: CrossStitch(maps[name].shape[1]) for name in UNITS})
        rows, stride = x.shape[2], 8 * stem_strides
        self.heads = nn.ModuleList(
            Head(x.shape[1], count, rows, size, stride, crop) for count in channels
        )

    def forward(self, images):
        a = b = (images - self.mean) * self.rescale
        for name in UNITS:
            a, b = self.units[name](self.towers[0][name](a), self.towers[1][name](b))
        return self.heads[0](a), self.heads[1](b)

    def load_keras(self, weights):
        """Copies weights by the names that `_keras_worker.py` gives them."""
        layers = {}
        for index, (net, head) in enumerate(zip(self.towers, self.heads, strict=True)):
            stages = [layer for stage in net.values() for layer in stage]
            convolutions = [layer for layer in stages if isinstance(layer, nn.Conv2d)]
            names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "score")
            for name, layer in zip(names, [*convolutions, head.score], strict=True):
                layers[f"{index}/{name}"] = layer
        with torch.no_grad():
            for name, layer in layers.items():
                kernel = np.ascontiguousarray(weights[f"{name}/kernel"].transpose(3, 2, 0, 1))
                layer.weight.copy_(torch.from_numpy(kernel))
                layer.bias.copy_(torch.from_numpy(weights[f"{name}/bias"]))
            for name, unit in self.units.items():
                unit.alpha.copy_(torch.from_numpy(weights[f"{name}/alpha"]))


def losses(logits, labels, normals, codewords):
    """Cross-entropies of the classes and of the codeword nearest to each normal."""
    nearest = (normals @ codewords.T).argmax(-1)
    nearest[normals.square().sum(-1) <= 1e-6] = 255
    return (
        functional.cross_entropy(logits[0], labels, ignore_index=255),
        functional.cross_entropy(logits[1], nearest, ignore_index=255),
    )

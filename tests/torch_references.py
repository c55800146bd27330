"""Networks in plain PyTorch, with torchvision's names of parameters: what ours are compared to."""

import torch
from torch import nn

MEAN_RGB = (0.485, 0.456, 0.406)
DEVIATION_RGB = (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride, dilation):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if inputs != channels:
            project = nn.Conv2d(inputs, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(channels))

    def forward(self, x):
        residual = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(residual + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride, dilation):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.downsample = None
        if inputs != 4 * channels:
            project = nn.Conv2d(inputs, 4 * channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(4 * channels))

    def forward(self, x):
        residual = torch.relu(self.bn1(self.conv1(x)))
        residual = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(residual)))))
        return torch.relu(residual + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """ResNet-18, -34 or -50 that classifies, or DeepLab's form of it."""

    def __init__(self, depth=18, dilated=False):
        super().__init__()
        strides, dilations = (1, 2, 2, 2), (1, 1, 1, 1)
        if dilated:
            strides, dilations = (1, 2, 1, 1), (1, 1, 2, 4)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1, ceil_mode=dilated)
        block, growth = (Bottleneck, 4) if depth == 50 else (BasicBlock, 1)
        inputs = 64
        for stage, count in enumerate((2, 2, 2, 2) if depth == 18 else (3, 4, 6, 3)):
            channels, dilation = 64 * 2**stage, dilations[stage]
            blocks = [block(inputs, channels, strides[stage], dilation)]
            inputs = growth * channels
            blocks += [block(inputs, channels, 1, dilation) for _ in range(count - 1)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 1000)

    def features(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def convolution_bn_relu6(inputs, channels, window=1, stride=1, groups=1):
    convolution = nn.Conv2d(
        inputs, channels, window, stride, window // 2, groups=groups, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs, channels, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        parts = [] if expansion == 1 else [convolution_bn_relu6(inputs, inner)]
        parts.append(convolution_bn_relu6(inner, inner, 3, stride, groups=inner))
        parts += [nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)]
        self.conv = nn.Sequential(*parts)
        self.adds = stride == 1 and inputs == channels

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """The published table written out: channels, stride and expansion of every block."""

    BLOCKS = (
        *((16, 1, 1), (24, 2, 6), (24, 1, 6), (32, 2, 6), (32, 1, 6), (32, 1, 6)),
        *((64, 2, 6), (64, 1, 6), (64, 1, 6), (64, 1, 6), (96, 1, 6), (96, 1, 6), (96, 1, 6)),
        *((160, 2, 6), (160, 1, 6), (160, 1, 6), (320, 1, 6)),
    )

    def __init__(self):
        super().__init__()
        parts, inputs = [convolution_bn_relu6(3, 32, 3, 2)], 32
        for channels, stride, expansion in self.BLOCKS:
            parts.append(InvertedResidual(inputs, channels, stride, expansion))
            inputs = channels
        self.features = nn.Sequential(*parts, convolution_bn_relu6(320, 1280))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def randomized(module, rng, pixels):
    """The module, ready to predict, with weights of a NumPy generator.

    Means and variances are those of some pixels: with others either nothing of the images, or
    little else than their largest parts, would be left behind many layers.
    """

    def draw(values):
        return torch.tensor(values.astype("float32"))

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                fan_in = part.weight[0].numel()
                part.weight.copy_(draw(rng.normal(0, (2 / fan_in) ** 0.5, part.weight.shape)))
            if isinstance(part, nn.Linear):
                part.bias.copy_(draw(rng.normal(0, 0.5, part.bias.shape)))
            if isinstance(part, nn.BatchNorm2d):
                part.weight.copy_(draw(rng.uniform(0.5, 1.5, part.weight.shape)))
                part.bias.copy_(draw(rng.normal(0, 0.5, part.bias.shape)))
                part.momentum = 1.0
        module.train()
        on_pixels(module.features, pixels)
    return module.eval()


def on_pixels(function, pixels):
    """What a torch function makes of (batch, height, width, 3) pixels, with channels last."""
    x = (pixels / 255 - MEAN_RGB) / DEVIATION_RGB
    x = torch.tensor(x.transpose(0, 3, 1, 2).astype("float32"))
    with torch.no_grad():
        y = function(x).numpy()
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y

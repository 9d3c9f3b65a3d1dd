"""ResNet: blocks that add their input to their output, so that depth no longer hurts.

Page: *resnet*. Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition,
arXiv:1512.03385. The stride of a bottleneck stands on its 3×3 convolution, as in torchvision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import check_input, check_type, check_whole, name_of

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "CifarResNet",
    "PlainBlock",
    "ResNet",
    "cifar_plain18",
    "cifar_resnet10",
    "cifar_resnet18",
    "resnet18",
    "resnet34",
    "resnet50",
]


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Make a 3×3 convolution without bias: the BatchNorm that follows would take it away."""
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """Make the shortcut's 1×1 convolution, where the two shapes to add differ."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def check_block(in_channels: int, width: int, stride: int) -> None:
    """Refuse a block without channels."""
    for value, name in ((in_channels, "in_channels"), (width, "width"), (stride, "stride")):
        check_whole(value, name, 1)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: ``relu(F(x) + x)``.

    Parameters
    ----------
    in_channels, width : int
        Channels that come in and go out.
    stride : int
        Of the first convolution, and of the shortcut's projection.
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        check_block(in_channels, width, stride)
        self.conv1 = conv3x3(in_channels, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = projection(in_channels, width, stride)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O Ho Wo"]:
        """Learn a difference from the input, and add it."""
        check_input(x, "this block", self.conv1.in_channels, self.conv1.weight)
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(residual + shortcut)


class PlainBlock(BasicBlock):
    """The twin of `BasicBlock` without its shortcut: ``relu(F(x))``."""

    def __init__(self, in_channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__(in_channels, width, stride=stride)
        self.downsample = None

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O Ho Wo"]:
        """Apply both convolutions."""
        check_input(x, "this block", self.conv1.in_channels, self.conv1.weight)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)))


class Bottleneck(nn.Module):
    """A 3×3 convolution between two 1×1 ones, which narrow and widen, and a shortcut.

    Parameters
    ----------
    in_channels, width : int
        Channels that come in, and channels of the 3×3; four times `width` go out.
    stride : int
        Of the 3×3 convolution, and of the shortcut's projection.
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        check_block(in_channels, width, stride)
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = projection(in_channels, out_channels, stride)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O Ho Wo"]:
        """Learn a difference from the input, and add it."""
        check_input(x, "this block", self.conv1.in_channels, self.conv1.weight)
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(residual + shortcut)


class ResNet(nn.Module):
    """A stem, stages of blocks that halve the side and double the width, a mean, a linear layer.

    Parameters
    ----------
    block : type
        `BasicBlock`, `Bottleneck` or `PlainBlock`.
    depths : sequence of int
        Blocks in each stage, at most four stages.
    num_classes : int
        Scores to give, at least 1.
    width : int
        Channels of the first stage.

    Raises
    ------
    ValueError
        For fewer than one class, a depth or width below 1, or other than one to four stages; and
        on an input that is not ``N 3 H W``.

    Notes
    -----
    Names are torchvision's, so its weights load. `CifarResNet` differs in the stem alone.

    Examples
    --------
    >>> model = ResNet(BasicBlock, (1, 1), width=8, num_classes=5)
    >>> tuple(model(torch.zeros(2, 3, 32, 32)).shape)
    (2, 5)
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        *,
        num_classes: int = 1000,
        width: int = 64,
    ) -> None:
        super().__init__()
        if not (isinstance(block, type) and issubclass(block, BasicBlock | Bottleneck)):
            raise TypeError(
                f"block must be BasicBlock, PlainBlock or Bottleneck, got {name_of(block)}"
            )
        check_whole(num_classes, "num_classes", 1)
        check_whole(width, "width")
        check_type(depths, tuple | list, "depths", "a tuple of whole numbers")
        for depth in depths:
            check_whole(depth, "a depth")
        if not 1 <= len(depths) <= 4 or min(depths) < 1 or width < 1:
            raise ValueError(
                f"a ResNet must have one to four stages of at least 1 block and 1 channel, got "
                f"depths {tuple(depths)} and width {width}"
            )
        self.make_stem(width)
        self.stages = [f"layer{k + 1}" for k in range(len(depths))]
        channels = width
        for k, (name, depth) in enumerate(zip(self.stages, depths, strict=True)):
            blocks = []
            for b in range(depth):
                stride = 2 if k > 0 and b == 0 else 1
                blocks.append(block(channels, width * 2**k, stride=stride))
                channels = width * 2**k * block.expansion
            setattr(self, name, nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        self.reset_parameters()

    def make_stem(self, width: int) -> None:
        """Build the ImageNet stem, which leaves a quarter of the side."""
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1)

    def reset_parameters(self) -> None:
        """Draw the convolutions anew with He's variance, counted over the outputs."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Give a score for each class."""
        check_input(x, "a ResNet", 3, next(self.parameters()))
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class CifarResNet(ResNet):
    """A `ResNet` for 32×32 images: a 3×3 stem that keeps the side.

    Parameters
    ----------
    block : type
        `BasicBlock`, `Bottleneck` or `PlainBlock`.
    depths : sequence of int
        Blocks in each stage, at most four stages.
    num_classes : int
        Scores to give, at least 1.
    width : int
        Channels of the first stage.

    Raises
    ------
    ValueError
        For fewer than one class, a depth or width below 1, or other than one to four stages; and
        on an input that is not ``N 3 H W``.

    Examples
    --------
    >>> model = CifarResNet(BasicBlock, (1, 1), width=8, num_classes=5)
    >>> tuple(model.layer1(model.maxpool(model.conv1(torch.zeros(2, 3, 32, 32)))).shape)
    (2, 8, 32, 32)
    """

    def make_stem(self, width: int) -> None:
        """Build the CIFAR stem: one 3×3 convolution, no pooling."""
        self.conv1 = conv3x3(3, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity()


def resnet18(*, num_classes: int = 1000) -> ResNet:
    """ResNet-18 for ImageNet.

    Examples
    --------
    >>> f"{sum(p.numel() for p in resnet18().parameters()):,}"
    '11,689,512'
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes=num_classes)


def resnet34(*, num_classes: int = 1000) -> ResNet:
    """ResNet-34 for ImageNet.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     f"{sum(p.numel() for p in resnet34().parameters()):,}"
    '21,797,672'
    """
    return ResNet(BasicBlock, (3, 4, 6, 3), num_classes=num_classes)


def resnet50(*, num_classes: int = 1000) -> ResNet:
    """ResNet-50 for ImageNet, of bottlenecks.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     f"{sum(p.numel() for p in resnet50().parameters()):,}"
    '25,557,032'
    """
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes=num_classes)


def cifar_resnet18(*, num_classes: int = 10, width: int = 64) -> CifarResNet:
    """ResNet-18 for 32×32 images: the network of the full training run.

    Examples
    --------
    >>> f"{sum(p.numel() for p in cifar_resnet18().parameters()):,}"
    '11,173,962'
    """
    return CifarResNet(BasicBlock, (2, 2, 2, 2), num_classes=num_classes, width=width)


def cifar_resnet10(*, num_classes: int = 10, width: int = 32) -> CifarResNet:
    """Ten layers for 32×32 images: small enough to be sent to a browser.

    Examples
    --------
    >>> f"{sum(p.numel() for p in cifar_resnet10().parameters()):,}"
    '382,634'
    """
    return CifarResNet(BasicBlock, (1, 2, 1), num_classes=num_classes, width=width)


def cifar_plain18(*, num_classes: int = 10, width: int = 64) -> CifarResNet:
    """Make the same layers without shortcuts, for comparison.

    Examples
    --------
    >>> tuple(cifar_plain18(width=8)(torch.zeros(1, 3, 32, 32)).shape)
    (1, 10)
    """
    return CifarResNet(PlainBlock, (2, 2, 2, 2), num_classes=num_classes, width=width)

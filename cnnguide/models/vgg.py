"""VGG: one idea, the 3×3 convolution, sixteen or nineteen layers deep.

Page: *vgg*. Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image
recognition, arXiv:1409.1556.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import check_input, check_range, check_type, check_whole

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["VGG", "plain_conv", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

# Convolutions in each of the five stages; a 2×2 maximum ends a stage.
STAGES_16 = (2, 2, 3, 3, 3)
STAGES_19 = (2, 2, 4, 4, 4)
WIDTHS = (64, 128, 256, 512, 512)


def plain_conv(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Make the layers of one VGG step: a 3×3 convolution and a ReLU.

    Examples
    --------
    >>> [type(layer).__name__ for layer in plain_conv(3, 64)]
    ['Conv2d', 'ReLU']
    """
    check_whole(in_channels, "in_channels", 1)
    check_whole(out_channels, "out_channels", 1)
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(inplace=True)]


def normalised_conv(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Make the same step with BatchNorm between the two."""
    convolution, relu = plain_conv(in_channels, out_channels)
    return [convolution, nn.BatchNorm2d(out_channels), relu]


class VGG(nn.Module):
    """Classify colour images of 32 pixels a side or more; made for 224.

    Parameters
    ----------
    stages : sequence of int
        Convolutions in each of the five stages.
    step : callable
        Makes the layers of one convolution: `plain_conv`, or one with BatchNorm.
    num_classes : int
        Scores to give, at least 1.
    dropout : float
        Share of activations that the linear layers' outputs lose in training.

    Raises
    ------
    ValueError
        For fewer than one class, other than five stages, or on an input that is not ``N 3 H W``
        with sides from 32 on.

    Notes
    -----
    Names and initialisation are torchvision's, so its weights load.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     model = vgg16()
    >>> f"{sum(p.numel() for p in model.parameters()):,}"
    '138,357,544'
    """

    def __init__(
        self,
        stages: Sequence[int],
        *,
        step: Callable[[int, int], list[nn.Module]] = plain_conv,
        num_classes: int = 1000,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_whole(num_classes, "num_classes", 1)
        check_range(dropout, "dropout", 0, 1)
        check_type(step, Callable, "step", "callable")
        check_type(stages, tuple | list, "stages", "a tuple of whole numbers")
        for count in stages:
            check_whole(count, "a stage's count", 0)
        if len(stages) != len(WIDTHS):
            raise ValueError(f"VGG must have {len(WIDTHS)} stages, got {len(stages)}")
        layers: list[nn.Module] = []
        channels = 3
        for count, width in zip(stages, WIDTHS, strict=True):
            for _ in range(count):
                layers += step(channels, width)
                channels = width
            layers.append(nn.MaxPool2d(2))  # half the side
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew: He's variance for convolutions, small normals for the rest."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Give a score for each class."""
        check_input(x, "VGG", 3, next(self.parameters()), least=32)
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def vgg16(*, num_classes: int = 1000) -> VGG:
    """VGG-16: thirteen convolutions and three linear layers.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     sum(isinstance(m, nn.Conv2d) for m in vgg16().modules())
    13
    """
    return VGG(STAGES_16, num_classes=num_classes)


def vgg16_bn(*, num_classes: int = 1000) -> VGG:
    """VGG-16 with BatchNorm after every convolution.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     sum(isinstance(m, nn.BatchNorm2d) for m in vgg16_bn().modules())
    13
    """
    return VGG(STAGES_16, step=normalised_conv, num_classes=num_classes)


def vgg19(*, num_classes: int = 1000) -> VGG:
    """VGG-19: sixteen convolutions and three linear layers.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     sum(isinstance(m, nn.Conv2d) for m in vgg19().modules())
    16
    """
    return VGG(STAGES_19, num_classes=num_classes)


def vgg19_bn(*, num_classes: int = 1000) -> VGG:
    """VGG-19 with BatchNorm after every convolution.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     sum(isinstance(m, nn.BatchNorm2d) for m in vgg19_bn().modules())
    16
    """
    return VGG(STAGES_19, step=normalised_conv, num_classes=num_classes)

"""LeNet-5: two convolutions, two averages, three linear layers.

Page: *lenet*. Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.
This is the modern form. The original scales and shifts what it pools, connects its second
convolution to some of the channels only, and ends in radial basis functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import check_input, check_module, check_whole

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["LeNet5"]


class LeNet5(nn.Module):
    """Classify 32×32 images.

    Parameters
    ----------
    in_channels : int
        1 for digits, 3 for colour.
    num_classes : int
        Scores to give, at least 1.
    activation : nn.Module
        ``nn.Tanh()`` as in 1998, or ``nn.ReLU()`` as is usual now.

    Raises
    ------
    ValueError
        For a count below 1, or on an input that is not ``N in_channels 32 32``.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Proceedings of the IEEE 86(11), 1998,
    doi:10.1109/5.726791.

    Examples
    --------
    >>> LeNet5()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    >>> sum(p.numel() for p in LeNet5().parameters())
    61706
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        num_classes: int = 10,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        check_whole(in_channels, "in_channels", 1)
        check_whole(num_classes, "num_classes", 1)
        if activation is not None:
            check_module(activation, "activation")
        self.in_channels = in_channels
        self.activation = nn.Tanh() if activation is None else activation
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.pool = nn.AvgPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Give a score for each class."""
        check_input(x, "this LeNet-5", self.in_channels, next(self.parameters()), side=32)
        x = self.pool(self.activation(self.conv1(x)))  # N 6 14 14
        x = self.pool(self.activation(self.conv2(x)))  # N 16 5 5
        x = torch.flatten(x, 1)  # N 400; never view(-1, 400), which may mix images
        x = self.activation(self.fc1(x))
        x = self.activation(self.fc2(x))
        return self.fc3(x)

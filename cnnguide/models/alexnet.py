"""AlexNet: five convolutions and three linear layers, as torchvision has it.

Page: *alexnet*. Source: Krizhevsky, Sutskever and Hinton, 2012; in the one-tower form of
Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import check_input, check_range, check_whole

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["AlexNet"]


class AlexNet(nn.Module):
    """Classify colour images of 63 pixels a side or more; made for 224.

    Parameters
    ----------
    num_classes : int
        Scores to give, at least 1.
    dropout : float
        Share of activations that the first two linear layers' inputs lose in training.

    Raises
    ------
    ValueError
        For fewer than one class, or on an input that is not ``N 3 H W`` with sides from 63 on.

    Notes
    -----
    Names are torchvision's, so its weights load. The paper's network has groups of channels on
    two cards, local response normalisation, and wider layers: 60,965,224 parameters against
    61,100,840 here.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     model = AlexNet()
    >>> f"{sum(p.numel() for p in model.parameters()):,}"
    '61,100,840'
    """

    def __init__(self, *, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        check_whole(num_classes, "num_classes", 1)
        check_range(dropout, "dropout", 0, 1)
        self.features = nn.Sequential(  # sides for an input of 224
            nn.Conv2d(3, 64, 11, stride=4, padding=2),  # 55
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # 27
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # 13
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # 6
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Give a score for each class."""
        check_input(x, "AlexNet", 3, next(self.parameters()), least=63)
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

"""Networks from LeNet to ResNet, one a file, and what they cost.

Pages: *lenet*, *alexnet*, *vgg*, *resnet*, and *train* for the small `QuickNet`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from cnnguide.models.alexnet import AlexNet
from cnnguide.models.cost import count_multiply_adds, count_parameters
from cnnguide.models.lenet import LeNet5
from cnnguide.models.quick import QuickNet
from cnnguide.models.resnet import (
    ResNet,
    cifar_plain18,
    cifar_resnet10,
    cifar_resnet18,
    resnet18,
    resnet34,
    resnet50,
)
from cnnguide.models.vgg import VGG, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = [
    "CIFAR_NETWORKS",
    "VGG",
    "AlexNet",
    "LeNet5",
    "QuickNet",
    "ResNet",
    "cifar_plain18",
    "cifar_resnet10",
    "cifar_resnet18",
    "count_multiply_adds",
    "count_parameters",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

#: The networks for images of 32 by 32 pixels, by the name that ``cnnguide train --model`` takes.
CIFAR_NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": cifar_resnet18,
    "resnet10": cifar_resnet10,
    "quick": QuickNet,
}

"""Networks from LeNet to ResNet, one a file, and what they cost.

Pages: *lenet*, *alexnet*, *vgg*, *resnet*, and *train* for the small `QuickNet`.
"""

from __future__ import annotations

import torch
from torch import nn

from cnnguide.models.alexnet import AlexNet
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


def count_parameters(model: nn.Module) -> int:
    """Count the numbers that a model learns, whether they are frozen or not.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    int
        Buffers, such as running statistics, are not counted.

    Examples
    --------
    >>> count_parameters(nn.Conv2d(3, 16, 3))
    448
    """
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(model: nn.Module, input_shape: tuple[int, int, int]) -> int:
    """Count the multiply-adds of the convolutions and linear layers for one image.

    The rest (BatchNorm, activations, pooling, additions) is left out, as is usual: it is well
    under one in a hundred for these networks.

    Parameters
    ----------
    model : nn.Module
        On any device, ``meta`` included; its mode and statistics are left as they are.
    input_shape : (int, int, int)
        Channels, height and width of one image.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For other than three sizes.

    Examples
    --------
    >>> count_multiply_adds(nn.Conv2d(3, 16, 3), (3, 12, 12))
    43200
    """
    if len(input_shape) != 3:
        raise ValueError(f"one image has shape (C, H, W), got {tuple(input_shape)}")
    counts = []

    def count(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
        if isinstance(layer, nn.Conv2d):
            counts.append(layer.weight.numel() * output.shape[2:].numel())
        elif isinstance(layer, nn.Linear):
            counts.append(layer.weight.numel())

    was_training = {module: module.training for module in model.modules()}
    hooks = [m.register_forward_hook(count) for m in model.modules()]
    device = next(model.parameters()).device
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *input_shape, device=device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in was_training.items():
            module.training = training
    return sum(counts)

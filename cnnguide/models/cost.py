"""What a network costs: its parameters, and the multiply-adds for one image.

Pages: *lenet*, *vgg*, *resnet*.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NoReturn

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnguide.checks import check_module, check_type, check_whole
from cnnguide.modes import evaluating

__all__ = ["count_multiply_adds", "count_parameters"]


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
    check_module(model)
    return sum(parameter.numel() for parameter in model.parameters())


def of_layer(inputs: torch.Size, *weights: torch.Size) -> int:
    """Count the operations of a recurrent layer: its matrices at every step."""
    return 2 * prod(inputs[:-1]) * sum(prod(shape) for shape in weights if len(shape) == 2)


def of_onednn(
    inputs: torch.Size, first: torch.Size, second: torch.Size, *_: Any, out_shape: Any
) -> int:
    """Count a recurrent layer that is one kernel on the CPU, which takes two matrices first."""
    return of_layer(inputs, first, second)


def of_cudnn(inputs: torch.Size, weights: list[torch.Size], *_: Any, out_shape: Any) -> int:
    """Count recurrent layers that are one kernel on a GPU, their weights in a list."""
    return of_layer(inputs, *weights)


def of_product(*shapes: torch.Size, out_shape: torch.Size, **_: float) -> int:
    """Count the operations of a product of the last two arguments, or of two vectors."""
    return 2 * prod(shapes[-2]) * (shapes[-1][-1] if len(shapes[-1]) > 1 else 1)


def refuse(name: str) -> Callable[..., NoReturn]:
    """Refuse to count what is not known."""

    def formula(*_: Any, **__: Any) -> NoReturn:
        raise ValueError(
            f"the network must be of products that can be counted, got {name}; convolutions, "
            "matrix products and recurrent layers can"
        )

    return formula


aten = torch.ops.aten
# What PyTorch's counter takes for nothing.
UNCOUNTED = {
    aten.mkldnn_rnn_layer: of_onednn,
    aten._cudnn_rnn: of_cudnn,
    **dict.fromkeys((aten.mv, aten.addmv, aten.addmv_, aten.dot, aten.vdot), of_product),
    **dict.fromkeys((aten.addmm_, aten.addbmm, aten.addbmm_), of_product),
    aten._trilinear: refuse("the three-way products of nn.Bilinear"),
    aten.conv_tbc: refuse("torch.conv_tbc"),
    aten._sparse_addmm: refuse("a product with a sparse matrix"),
    # many points are another kernel than few
    **dict.fromkeys(
        (aten._cdist_forward, aten._euclidean_dist, aten._pdist_forward), refuse("distances")
    ),
    **dict.fromkeys((aten._lstm_mps, aten.miopen_rnn), refuse("a recurrent layer of this device")),
}


def count_multiply_adds(model: nn.Module, input_shape: tuple[int, int, int]) -> int:
    """Count the multiply-adds of the convolutions and matrix products for one image.

    The rest (BatchNorm, activations, pooling, additions) is left out, as is usual: it is well
    under one in a hundred for these networks.

    Parameters
    ----------
    model : nn.Module
        On any device, ``meta`` included; its modes and statistics are left as they are.
    input_shape : (int, int, int)
        Channels, height and width of one image.

    Returns
    -------
    int
        Half of what PyTorch's `FlopCounterMode` counts, since a multiply-add is two operations; and
        recurrent layers and products with a vector, which it leaves out.

    Raises
    ------
    ValueError
        For other than three sizes, or for a network with products that cannot be counted, such as
        those of `nn.Bilinear`.

    Examples
    --------
    >>> count_multiply_adds(nn.Conv2d(3, 16, 3), (3, 12, 12))  # 10 x 10 places of 16 x 27
    43200
    """
    check_module(model)
    check_type(input_shape, tuple | list, "input_shape", "a tuple (channels, height, width)")
    for size in input_shape:
        check_whole(size, "a size of input_shape", 1)
    if len(input_shape) != 3:
        raise ValueError(f"one image must have shape (C, H, W), got {tuple(input_shape)}")
    weight = next(model.parameters(), torch.zeros(()))
    counter = FlopCounterMode(display=False, custom_mapping=UNCOUNTED)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one fused call would hide attention's products
    try:
        with torch.no_grad(), evaluating(model), counter:
            model(torch.zeros(1, *input_shape, device=weight.device, dtype=weight.dtype))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops() // 2

"""The one place that switches a network to evaluation mode and puts every mode back.

Pages: *norm*, *dropout* and *train*, which tell what the two modes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from cnnguide.checks import check_module

__all__ = ["evaluating"]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Switch a model to evaluation mode for a while.

    Afterwards every layer is in the mode in which it was, also after an error. A BatchNorm that
    was frozen with ``eval()`` inside a model in training mode stays frozen, which
    ``model.train()`` alone would undo.

    Parameters
    ----------
    model : nn.Module

    Yields
    ------
    nn.Module
        The model itself, in evaluation mode.

    Examples
    --------
    >>> model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval())
    >>> with evaluating(model):
    ...     [layer.training for layer in model]
    [False, False]
    >>> [layer.training for layer in model]
    [True, False]
    """
    check_module(model)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield model
    finally:
        for module, training in modes.items():
            module.training = training

"""Grad-CAM: where in the image the evidence for a class was found.

Page: *train*. Source: Selvaraju et al., Grad-CAM, arXiv:1610.02391.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

__all__ = ["grad_cam"]


def grad_cam(
    model: nn.Module,
    layer: nn.Module,
    images: Float[Tensor, "N C H W"],
    classes: Int64[Tensor, " N"],
) -> Float[Tensor, "N H W"]:
    r"""Weigh a layer's feature maps by how much they raise the score of a class.

    Parameters
    ----------
    model : nn.Module
        Maps images to scores; used in evaluation mode, and left in the mode in which it was.
    layer : nn.Module
        A part of the model whose output is feature maps ``N K h w``.
    images : Tensor
        ``N C H W``, as the model takes them.
    classes : Tensor
        ``N``, int64: the class to explain, for each image.

    Returns
    -------
    Tensor
        ``N H W`` in [0, 1]: the map of each image, scaled to its own largest value; all 0 where
        nothing speaks for the class.

    Raises
    ------
    ValueError
        If the layer was not used, gives no feature maps, or there is other than one class an image.

    Notes
    -----
    .. math:: \alpha_k = \frac{1}{hw}\sum_{ij}\frac{\partial s}{\partial A^k_{ij}}, \qquad
        L = \mathrm{relu}\Big(\sum_k \alpha_k A^k\Big)

    Examples
    --------
    >>> net = nn.Sequential(nn.Identity(), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    >>> image = torch.tensor([[[[0.0, 0.0], [0.0, 2.0]]]])
    >>> grad_cam(net, net[0], image, torch.tensor([0])).tolist()
    [[[0.0, 0.0], [0.0, 1.0]]]
    """
    if len(images) != len(classes):
        raise ValueError(f"one class an image, got {len(classes)} for {len(images)}")
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        kept.append(output if output.requires_grad else output.requires_grad_())
        return kept[-1]

    was_training, hook = model.training, layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            scores = model.eval()(images.clone())
    finally:
        hook.remove()
        model.train(was_training)
    if not kept or kept[-1].ndim != 4:
        raise ValueError("the layer gives feature maps of shape (N, K, h, w) when the model runs")
    maps = kept[-1]
    total = scores.gather(1, classes[:, None]).sum()
    (gradient,) = torch.autograd.grad(total, maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = F.relu((weights * maps).sum(1, keepdim=True)).detach()
    heat = F.interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return heat / heat.amax((1, 2), keepdim=True).clamp_min(torch.finfo(heat.dtype).tiny)

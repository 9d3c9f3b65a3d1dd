"""Where in the image the evidence for a class was found: Grad-CAM, and the maps of the classes.

Page: *train*. Sources: Selvaraju et al., Grad-CAM, arXiv:1610.02391; Zhou et al., Learning deep
features for discriminative localization, arXiv:1512.04150: a network that ends in a mean and a
linear layer has a map for every class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide import data
from cnnguide.checks import (
    check_float_images,
    check_floats,
    check_input,
    check_labels,
    check_module,
    check_type,
)
from cnnguide.models.resnet import ResNet
from cnnguide.modes import evaluating
from cnnguide.recipe import check_triple

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

__all__ = ["ClassMaps", "Looked", "grad_cam"]


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
        A part of the model whose output is feature maps ``N K h w``, taken before whatever follows
        can change them in place; of a layer that runs several times, those of the last time.
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
        If the layer was not used or gives no feature maps, the scores do not depend on them, or
        there is other than one class per image, each among the model's.

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
    check_module(model)
    check_module(layer, "layer")
    check_float_images(images)
    check_labels(classes, len(images))
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Any) -> Any:
        if not isinstance(output, Tensor) or output.ndim != 4:
            return output
        if len(output) != len(images) or not output.is_floating_point():
            return output
        maps = output.clone()  # what comes next may change the output in place
        kept.append(maps if maps.requires_grad else maps.requires_grad_())
        return kept[-1].clone()

    hook = layer.register_forward_hook(keep)
    try:
        with torch.inference_mode(False), torch.enable_grad(), evaluating(model):
            scores = model(images.clone())
            check_maps(kept, scores)
            check_labels(classes, *scores.shape)
            total = scores.gather(1, classes[:, None].clone()).sum()
            gradient = None
            if total.requires_grad:
                (gradient,) = torch.autograd.grad(total, kept[-1], allow_unused=True)
    finally:
        hook.remove()
    if gradient is None:
        raise ValueError("the scores must depend on the layer's maps, got no gradient to them")
    maps = kept[-1].detach()
    weights = gradient.mean((2, 3), keepdim=True)
    heat = F.relu((weights * maps).sum(1, keepdim=True))
    heat = F.interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return heat / heat.amax((1, 2), keepdim=True).clamp_min(torch.finfo(heat.dtype).tiny)


def check_maps(kept: list[Tensor], scores: Any) -> None:
    """Refuse a layer that gave no maps, and a model that gives no scores."""
    if not kept:
        raise ValueError(
            "the layer must give feature maps of shape (N, K, h, w) when the model runs"
        )
    check_floats(scores, "the model's scores")
    if scores.ndim != 2:
        raise ValueError(f"a model must give scores (N, classes), got {tuple(scores.shape)}")


class Looked(NamedTuple):
    """What a network makes of images of ``H W`` pixels."""

    scores: Tensor  # ``N classes``: the mean of each class's map
    first: Tensor  # ``N K H W``: the feature maps of the first layer
    maps: Tensor  # ``N classes h w``: the evidence for each class, place by place


class ClassMaps(nn.Module):
    r"""Let a `ResNet` show its first feature maps and its class activation maps.

    Parameters
    ----------
    model : ResNet
        Its weights are shared, not copied.
    mean, std : (float, float, float)
        The normalisation constants of its training images.

    Notes
    -----
    The last layer is linear, so its score of the mean of the features is the mean of its scores of
    the features: :math:`w \cdot \frac{1}{hw}\sum_p f_p + b`
    :math:`{} = \frac{1}{hw}\sum_p (w \cdot f_p + b)`.
    What is summed is the map: the class's evidence at place :math:`p`.

    Examples
    --------
    >>> from cnnguide.models import cifar_resnet10
    >>> looked = ClassMaps(cifar_resnet10(width=4).eval())(torch.zeros(2, 3, 32, 32))
    >>> tuple(looked.scores.shape), tuple(looked.first.shape), tuple(looked.maps.shape)
    ((2, 10), (2, 4, 32, 32), (2, 10, 8, 8))
    >>> torch.allclose(looked.maps.mean((2, 3)), looked.scores)
    True
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: ResNet,
        *,
        mean: tuple[float, float, float] = data.MEAN,
        std: tuple[float, float, float] = data.STD,
    ) -> None:
        super().__init__()
        check_type(model, ResNet, "model", "a ResNet")
        check_triple(mean, "mean")
        check_triple(std, "std", above=True)
        self.model = model
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, model.conv1.weight.new_tensor(values).view(-1, 1, 1))

    def forward(self, image: Float[Tensor, "N 3 H W"]) -> Looked:
        """Look at images whose pixels lie from 0 to 1."""
        net = self.model
        check_input(image, "a ResNet", 3, net.conv1.weight)
        first = net.relu(net.bn1(net.conv1((image - self.mean) / self.std)))  # N K H W
        features = net.maxpool(first)
        for stage in net.stages:
            features = getattr(net, stage)(features)  # N C h w
        weight = net.fc.weight[:, :, None, None]  # classes C 1 1
        maps = nn.functional.conv2d(features, weight, net.fc.bias)  # N classes h w
        return Looked(maps.mean((2, 3)), first, maps)

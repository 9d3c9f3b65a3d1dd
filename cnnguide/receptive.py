"""How far a network sees: the receptive field from a formula, and from a gradient.

Page: *receptive*. Sources: Dumoulin and Visin, arXiv:1603.07285; Luo et al., Understanding the
effective receptive field in deep convolutional neural networks, arXiv:1701.04128.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, fx, nn

from cnnguide.modes import evaluating

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "Field",
    "Layer",
    "effective_receptive_field",
    "receptive_field_of",
    "receptive_fields",
]


@dataclass(frozen=True)
class Layer:
    """What a layer's window is, along one axis.

    Attributes
    ----------
    kernel, stride, dilation : int
        Pixels, at least 1.
    padding : int
        Pixels, at least 0.
    name : str
        For tables and figures.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no window."""
        if min(self.kernel, self.stride, self.dilation) < 1 or self.padding < 0:
            raise ValueError(
                "a layer has kernel, stride and dilation of at least 1 and padding of at least 0, "
                f"got {self}"
            )


@dataclass(frozen=True)
class Field:
    """What one output value sees, along one axis.

    Attributes
    ----------
    size : int
        Input pixels that it can depend on.
    jump : int
        Input pixels between the fields of neighbouring outputs: the product of all strides.
    start : float
        Centre of the first output's field, in pixels; the first input pixel's centre is 0.5.
    name : str
        The layer's.
    """

    size: int = 1
    jump: int = 1
    start: float = 0.5
    name: str = "input"

    def through(self, layer: Layer) -> Field:
        """Give the field one layer further on."""
        reach = layer.dilation * (layer.kernel - 1)
        return Field(
            size=self.size + reach * self.jump,
            jump=self.jump * layer.stride,
            start=self.start + (reach / 2 - layer.padding) * self.jump,
            name=layer.name,
        )


def receptive_fields(layers: Iterable[Layer]) -> list[Field]:
    r"""Follow the receptive field through a chain of layers.

    Parameters
    ----------
    layers : iterable of Layer
        From the input on.

    Returns
    -------
    list of Field
        One a layer.

    Notes
    -----
    .. math:: r_l = r_{l-1} + d_l (k_l - 1)\, j_{l-1}, \qquad j_l = j_{l-1} s_l

    What widens the field is the jump *before* the layer, not the layer's own stride.

    Examples
    --------
    Two 3×3 see as far as one 5×5, and a stride counts from the next layer on:

    >>> [field.size for field in receptive_fields([Layer(3), Layer(3)])]
    [3, 5]
    >>> [field.size for field in receptive_fields([Layer(3, stride=2)] * 3)]
    [3, 7, 15]
    """
    fields, field = [], Field()
    for layer in layers:
        field = field.through(layer)
        fields.append(field)
    return fields


# Modules that look at one place at a time: what they see is what came in.
POINTWISE = (
    nn.BatchNorm2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.GELU,
    nn.Identity,
    nn.LocalResponseNorm,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Tanh,
)
# Here every output sees the whole input, and there is nothing more to follow.
GLOBAL = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Linear, nn.Flatten)


def layer_of(module: nn.Module, name: str) -> Layer | None:
    """Read a module's window; None if it looks at one place at a time."""
    if isinstance(module, POINTWISE):
        return None
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        raise TypeError(
            f"the window of {name}, a {type(module).__name__}, is not known; convolutions, "
            "pooling and layers that act on each place alone can be followed"
        )
    settings = (module.kernel_size, module.stride, getattr(module, "dilation", 1), module.padding)
    sides = [value if isinstance(value, tuple) else (value, value) for value in settings]
    if any(isinstance(value, str) for value in settings) or any(h != w for h, w in sides):
        raise ValueError(f"{name} differs in height and width, which are followed as one: {module}")
    kernel, stride, dilation, padding = (int(h) for h, _ in sides)
    return Layer(kernel, stride, dilation, padding, name)


def widest(fields: list[Field], name: str) -> Field:
    """Join paths that meet: the union of their fields, which share a jump."""
    if len({field.jump for field in fields}) > 1:
        raise ValueError(f"paths of different stride meet at {name}: {fields}")
    first = min(field.start - field.size / 2 for field in fields)
    last = max(field.start + field.size / 2 for field in fields)
    return Field(int(last - first), fields[0].jump, (first + last) / 2, name)


def receptive_field_of(module: nn.Module) -> list[Field]:
    """Follow the receptive field through a network, branches included.

    Parameters
    ----------
    module : nn.Module
        Any network that `torch.fx` can trace, made of convolutions, pooling, layers that act on
        each place alone, and sums of branches. It is followed up to its global pooling, flattening
        or first linear layer.

    Returns
    -------
    list of Field
        One for each convolution and pooling layer, in the order in which they run.

    Raises
    ------
    TypeError
        For a layer whose window is not known.
    ValueError
        For a layer that differs in height and width, or branches of different stride that meet.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3))
    >>> [(field.name, field.size) for field in receptive_field_of(net)]
    [('0', 3), ('2', 4), ('3', 8)]
    """
    modules = dict(module.named_modules())
    seen: dict[fx.Node, Field] = {}
    fields = []
    for node in traceable(module).nodes:
        sources = [seen[source] for source in node.all_input_nodes if source in seen]
        if node.op == "placeholder":
            seen[node] = Field()
            continue
        if not sources or len(sources) < len(node.all_input_nodes):
            continue  # a number, or something after the global pooling
        if node.op != "call_module":
            if node.target in ("flatten", torch.flatten, "view", "mean", torch.mean):
                continue
            seen[node] = sources[0] if len(sources) == 1 else widest(sources, node.name)
            continue
        target = modules[str(node.target)]
        if isinstance(target, GLOBAL):
            continue
        layer = layer_of(target, str(node.target))
        seen[node] = sources[0] if layer is None else sources[0].through(layer)
        if layer is not None:
            fields.append(seen[node])
    return fields


def traceable(module: nn.Module) -> fx.Graph:
    """Trace the calls of a network, taking every check of the input to have passed."""

    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return not list(m.children())

        def to_bool(self, obj: fx.Proxy) -> bool:
            return False  # a check reads "if the shape is wrong: raise"

        def iter(self, obj: fx.Proxy):  # type: ignore[no-untyped-def]
            return iter((obj, obj))

    return Tracer().trace(module)


def effective_receptive_field(
    module: nn.Module,
    input_shape: tuple[int, int, int],
    *,
    generator: torch.Generator,
    count: int = 8,
) -> Float[Tensor, "H W"]:
    r"""Measure how strongly each input pixel moves the output in the middle.

    Parameters
    ----------
    module : nn.Module
        Maps ``N C H W`` to feature maps ``N O Ho Wo``; used in evaluation mode, and left in the
        mode in which it was.
    input_shape : (int, int, int)
        Channels, height and width.
    generator : torch.Generator
        Draws the random inputs.
    count : int
        Random inputs to average over, at least 1.

    Returns
    -------
    Tensor
        ``H W``: the mean absolute gradient, scaled so that its largest value is 1.

    Raises
    ------
    ValueError
        If the output is no feature map, or `count` is below 1.

    Notes
    -----
    .. math:: e_{ij} = \frac{1}{N} \sum_n \Big| \frac{\partial \sum_o y_{n,o,mid}}
        {\partial x_{n,\cdot,i,j}} \Big|

    References
    ----------
    Luo et al., arXiv:1701.04128.

    Examples
    --------
    >>> layer = nn.Conv2d(1, 1, 3, padding=1)
    >>> seen = effective_receptive_field(layer, (1, 7, 7), generator=torch.Generator())
    >>> (seen > 0).sum().item()
    9
    """
    if count < 1:
        raise ValueError(f"at least 1 random input is needed, got {count}")
    image = torch.randn(count, *input_shape, generator=generator).requires_grad_()
    with evaluating(module):
        output = module(image)
    if output.ndim != 4:
        raise ValueError(
            f"the network gives feature maps of shape (N, O, H, W), got {tuple(output.shape)}"
        )
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    (gradient,) = torch.autograd.grad(middle.sum(), image)
    strength = gradient.abs().sum((0, 1))
    return strength / strength.max()

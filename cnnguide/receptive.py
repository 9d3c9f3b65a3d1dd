"""How far a network sees: the receptive field from a formula, and from a gradient.

Page: *receptive*. Sources: Dumoulin and Visin, arXiv:1603.07285; Luo et al., Understanding the
effective receptive field in deep convolutional neural networks, arXiv:1701.04128.
"""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from cnnguide.checks import check_generator, check_module, check_type, check_whole
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
    kernel_size, stride, dilation : int
        Pixels, at least 1.
    padding : int
        Pixels, at least 0.
    name : str
        For tables and figures.
    """

    kernel_size: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not a window."""
        for name in ("kernel_size", "stride", "dilation", "padding"):
            check_whole(getattr(self, name), name)
        if min(self.kernel_size, self.stride, self.dilation) < 1 or self.padding < 0:
            raise ValueError(
                "a layer must have kernel, stride and dilation of at least 1 "
                f"and padding of at least 0, got {self}"
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
        reach = layer.dilation * (layer.kernel_size - 1)
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
        One per layer.

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
    check_type(layers, list | tuple | Iterator, "layers", "a list of Layer")
    fields, field = [], Field()
    for layer in layers:
        check_type(layer, Layer, "a layer", "a Layer")
        field = field.through(layer)
        fields.append(field)
    return fields


# Modules that look at one place at a time: what they see is what came in.
POINTWISE = (
    nn.BatchNorm2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.ELU,
    nn.GELU,
    nn.Hardswish,
    nn.Identity,
    nn.LeakyReLU,
    nn.LocalResponseNorm,
    nn.PReLU,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Sigmoid,
    nn.Tanh,
)
WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
# Functions and methods that do so too; those that join several inputs are among them.
POINTWISE_CALLS = {
    *("add", "sub", "mul", "div", "truediv", "neg", "pos", "abs", "exp", "sqrt", "square", "pow"),
    *("iadd", "isub", "imul", "itruediv", "add_", "sub_", "mul_", "div_"),
    *("relu", "relu_", "relu6", "gelu", "silu", "elu", "leaky_relu", "hardswish", "sigmoid"),
    *("tanh", "clamp", "clamp_min", "maximum", "minimum", "dropout", "dropout2d"),
    *("clone", "contiguous", "detach", "float", "half", "double", "to"),
    *("eq", "ne", "lt", "gt", "le", "ge", "floordiv", "mod"),
}
# A single place is left, which sees the whole input, if these pool to a side of 1.
ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
ADAPTIVE_CALLS = {"adaptive_avg_pool2d", "adaptive_max_pool2d"}
# From here on, numbers have no place of their own.
PLACELESS = (nn.Linear, nn.Flatten)
PLACELESS_CALLS = {"linear", "flatten", "view", "reshape"}
# These give numbers, such as a shape, and no feature maps.
NUMBERS = {"getattr", "size", "dim", "numel"}
ATTRIBUTES = {"shape", "ndim", "dtype", "device", "is_cuda", "requires_grad"}
# Functions that PyTorch chooses among by a flag have no name of their own.
DISPATCHED: dict[Any, str] = {
    F.max_pool2d: "max_pool2d",
    F.adaptive_max_pool2d: "adaptive_max_pool2d",
}
# These may give what they get, or a part of it, and no copy.
SHARING_CALLS = {"getitem", "chunk", "contiguous", "detach", "to", "float", "half", "double"}
SHARING_CALLS |= {"dropout", "dropout2d"}
SHARING = (nn.Identity, nn.Dropout, nn.Dropout2d)
WHOLE = Field(name="the whole input")
NOWHERE = Field(name="no place")
UNKNOWN = Field(name="places that are not known")
UNFOLLOWED = (WHOLE, NOWHERE, UNKNOWN)


def layer_of(module: nn.Module, name: str) -> Layer | None:
    """Read a module's window; None if it looks at one place at a time."""
    # A subclass with a forward of its own may do anything.
    known = [kind for kind in (*POINTWISE, *WINDOWS) if isinstance(module, kind)]
    own = any(type(module).forward is kind.forward for kind in known)
    if isinstance(module, nn.BatchNorm2d) and module.running_mean is None:
        own = False  # it standardises by what it sees, which is every place
    if own and isinstance(module, POINTWISE):
        return None
    if not own:
        raise TypeError(
            f"the window of {name}, a {type(module).__name__}, is not known; convolutions, "
            "pooling and layers that act on each place alone can be followed"
        )
    dilation = getattr(module, "dilation", 1)
    return window(module.kernel_size, module.stride, dilation, module.padding, name)


def window(kernel: Any, stride: Any, dilation: Any, padding: Any, name: str) -> Layer:
    """Make a layer of settings that are alike in height and width."""
    if isinstance(padding, str):  # "same" puts an odd pixel at the end
        step, side = (v if isinstance(v, int) else v[0] for v in (dilation, kernel))
        padding = step * (side - 1) // 2 if padding == "same" else 0
    settings = (kernel, kernel if stride is None else stride, dilation, padding)
    sides = [(v, v) if isinstance(v, int) else tuple(v) * (3 - len(tuple(v))) for v in settings]
    if any(h != w for h, w in sides):
        raise ValueError(f"{name} differs in height and width, which are followed as one: {sides}")
    kernel, stride, dilation, padding = (int(h) for h, _ in sides)
    return Layer(kernel, stride, dilation, padding, name)


def widest(fields: list[Field], name: str) -> Field:
    """Join paths that meet: the union of their fields, which share a jump."""
    if any(field in UNFOLLOWED for field in fields):
        if all(field in UNFOLLOWED for field in fields):
            return max(fields, key=UNFOLLOWED.index)
        raise ValueError(f"what sees the whole input comes back at {name}, so all later layers do")
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
        One for each convolution and pooling layer, in the order in which they run, and one for a
        sum that sees more than its parts. The last is that of the output, or of what is pooled.

    Raises
    ------
    TypeError
        For something else than a module, or one that `torch.fx` cannot trace because it decides by
        its input what it does; for a layer whose window is not known, has a forward of its own or
        depends on the input; for BatchNorm without running statistics, which sees every place; for
        a hook other than PyTorch's that normalise weights; and for an operation of which it is not
        known what it does to the places.
    ValueError
        For a layer that differs in height and width; for branches of different stride that meet,
        or one that sees the whole input and comes back; for a window on what has no place any
        more; for some of several maps that see differently far; and for a step that changes in
        place what goes on under another name.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3))
    >>> [(field.name, field.size) for field in receptive_field_of(net)]
    [('0', 3), ('2', 4), ('3', 8)]
    """
    check_module(module, "module")
    if not list(module.children()):  # a tracer looks inside what it is given
        module = nn.Sequential(OrderedDict({type(module).__name__: module}))
    modules = dict(module.named_modules())
    check_hooks(modules)
    seen: dict[fx.Node, Field] = {}
    fields: list[Field] = []
    unlike: set[fx.Node] = set()  # steps whose maps see differently far
    for node in traceable(module).nodes:
        sources = [seen[source] for source in node.all_input_nodes if source in seen]
        if node.op == "placeholder":
            seen[node] = Field()
        if node.op in ("placeholder", "get_attr") or not sources:
            continue
        if node.kwargs.get("out") is not None:
            raise TypeError(
                f"{node.name} writes into a tensor that is there already (out=), which cannot be "
                "followed; let it give its result"
            )
        if node.op == "output" and len(sources) > 1:
            continue
        joined = sources[0] if len(sources) == 1 else widest(sources, node.name)
        if joined in UNFOLLOWED:
            seen[node] = beyond(joined, node, modules)
            continue
        layer = None if node.op == "output" else layer_at(node, modules)
        if layer is NUMBERS:
            continue
        seen[node] = joined.through(layer) if isinstance(layer, Layer) else layer or joined
        widen_in_place(node, seen, modules)
        if tells_maps_apart(node, sources, unlike, modules):
            unlike.add(node)
        last = node.op == "output" or layer in UNFOLLOWED
        if isinstance(layer, Layer):
            fields.append(seen[node])
        elif not among(joined, fields[-1:] if last and fields else sources):
            fields.append(joined)
    return fields


def tells_maps_apart(
    node: fx.Node, sources: list[Field], unlike: set[fx.Node], modules: dict[str, nn.Module]
) -> bool:
    """Tell whether a step's maps see differently far; refuse to take some of such maps."""
    before = unlike.intersection(node.all_input_nodes)
    if node.op == "call_module":
        return bool(before) and getattr(modules[str(node.target)], "groups", 2) > 1
    name = "output" if node.op == "output" else name_of_call(node)
    if before and name in ("getitem", "chunk"):
        raise ValueError(f"{node.name} takes some of several maps that see differently far")
    joins = name in ("cat", "concat") and not all(among(field, sources[:1]) for field in sources)
    return bool(before) or joins


def check_hooks(modules: dict[str, nn.Module]) -> None:
    """Refuse hooks, which may do anything; those of PyTorch's own normalise weights."""
    for name, module in modules.items():
        hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        if any(not type(hook).__module__.startswith("torch.nn.utils") for hook in hooks):
            raise TypeError(
                f"{name or type(module).__name__} has a hook, and what that does is not known; "
                "remove it first"
            )


def widen_in_place(
    node: fx.Node, seen: dict[fx.Node, Field], modules: dict[str, nn.Module]
) -> None:
    """Note that a step has changed what it got; refuse it if that goes on under another name."""
    changed = node.args[0] if node.args else None
    if node.op == "output" or not isinstance(changed, fx.Node) or not in_place(node, modules):
        return
    if changed not in seen or seen[changed] == seen[node]:
        return
    order = {step: k for k, step in enumerate(node.graph.nodes)}
    for other in seen:
        later = any(order[user] > order[node] for user in other.users)
        if other is changed:
            seen[changed] = seen[node]
        elif other is not node and later and source_of(other, modules) is source_of(node, modules):
            raise ValueError(
                f"{node.name} changes in place what goes on under another name, {other.name}"
            )


def in_place(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Tell whether a step writes over its first input."""
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    name = name_of_call(node)
    if name.endswith("_") or name in ("iadd", "isub", "imul", "itruediv"):
        return True
    # PyTorch's functions hand `inplace` on by name, even where it was given by its place.
    return bool(node.kwargs.get("inplace", False))


def source_of(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """Go back to the step that made the memory in which a step's output may lie."""
    shares = in_place(node, modules)
    if node.op == "call_module":
        shares = shares or isinstance(modules[str(node.target)], SHARING)
    elif node.op in ("call_function", "call_method"):
        shares = shares or name_of_call(node) in SHARING_CALLS
    first = node.args[0] if shares and node.args else None
    return source_of(first, modules) if isinstance(first, fx.Node) else node


def among(field: Field, others: list[Field]) -> bool:
    """Tell whether one of the others sees the same places."""
    return (field.size, field.start) in [(other.size, other.start) for other in others]


def beyond(joined: Field, node: fx.Node, modules: dict[str, nn.Module]) -> Field:
    """Go on where single places are no longer followed; refuse a window on what has no place."""
    module = modules[str(node.target)] if node.op == "call_module" else None
    name = type(module).__name__ if module is not None else name_of_call(node)
    windows = any(part in name.lower() for part in ("conv", "pool", "fold"))
    if (joined is UNKNOWN and node.op == "output") or (joined is not WHOLE and windows):
        raise ValueError(
            f"{node.name} takes numbers whose places are not known: a view, a flattening, a linear "
            "layer or a pooling to several places comes before it"
        )
    return NOWHERE if flattens(node, module) else joined


def flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Tell whether one axis is left beside the batch, as for a linear layer."""
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    if module is not None or node.op == "output":
        return False
    if name_of_call(node) in ("view", "reshape"):
        shape = node.args[1] if len(node.args) == 2 else node.args[1:]
        return isinstance(shape, tuple | list) and len(shape) == 2
    return (
        name_of_call(node) == "flatten"
        and axis_of(node, 1, "start_dim") == 1
        and len(node.args) < 3
    )


def name_of_call(node: fx.Node) -> str:
    """Name a function or a method."""
    name = node.target if isinstance(node.target, str) else node.target.__name__
    return DISPATCHED.get(node.target, str(name))


def layer_at(node: fx.Node, modules: dict[str, nn.Module]) -> Any:
    """Tell what a step does: a window, nothing (None), an end of the places, or `NUMBERS`."""
    if node.op == "call_module":
        target = modules[str(node.target)]
        if isinstance(target, ADAPTIVE):
            return WHOLE if target.output_size in (1, (1, 1), [1, 1]) else UNKNOWN
        if isinstance(target, PLACELESS):
            return NOWHERE if flattens(node, target) else UNKNOWN
        return layer_of(target, str(node.target))
    name = name_of_call(node)
    if name in NUMBERS and (name != "getattr" or node.args[1] in ATTRIBUTES):
        return NUMBERS
    if name in ("mean", "amax") and over_places(node):
        return WHOLE
    if name in ADAPTIVE_CALLS:
        size = node.kwargs.get("output_size", node.args[1] if len(node.args) > 1 else None)
        return WHOLE if size in (1, (1, 1), [1, 1]) else UNKNOWN
    if name in PLACELESS_CALLS:
        return NOWHERE if flattens(node, None) else UNKNOWN
    if name in ("max_pool2d", "avg_pool2d"):
        return pool_at(node)
    along_channels = (
        name in ("cat", "concat", "chunk") and axis_of(node, 1 + (name == "chunk")) == 1
    )
    if name in POINTWISE_CALLS or along_channels or (name == "getitem" and keeps_places(node)):
        return None
    raise TypeError(
        f"what {node.name} does to the places is not known; convolutions, pooling and operations "
        "that act on each place alone can be followed"
    )


def axis_of(node: fx.Node, place: int, name: str = "dim") -> Any:
    """Read a call's axis, which is its argument `dim` or stands at a place."""
    return node.kwargs.get(name, node.args[place] if len(node.args) > place else 0)


def over_places(node: fx.Node) -> bool:
    """Tell whether a mean or a maximum is taken over height and width."""
    axes = axis_of(node, 1)
    return isinstance(axes, list | tuple) and {axis % 4 for axis in axes} >= {2, 3}


def keeps_places(node: fx.Node) -> bool:
    """Tell whether an index leaves height and width alone."""
    source, index = node.args
    if isinstance(source, fx.Node) and source.target in ("chunk", torch.chunk):
        return isinstance(index, int)
    whole = slice(None)
    return (
        isinstance(index, tuple)
        and 1 < len(index) <= 4
        and all(
            isinstance(part, slice) and (k == 1 or part == whole) for k, part in enumerate(index)
        )
    )


def pool_at(node: fx.Node) -> Layer:
    """Read the window of a pooling function."""
    names = ("input", "kernel_size", "stride", "padding", "dilation")
    given = dict(zip(names, node.args, strict=False)) | node.kwargs
    if node.target is F.avg_pool2d:
        given["dilation"] = 1
    settings = [
        given.get(name, usual) for name, usual in zip(names[1:], (1, None, 0, 1), strict=True)
    ]
    if any(isinstance(value, fx.Node) for value in settings):
        raise TypeError(f"the window of {node.name} depends on the input, so it is not known")
    kernel, stride, padding, dilation = settings
    return window(kernel, stride, dilation, padding, node.name)


class Overwritten(fx.Proxy):
    """Stands in for a tensor; other stand-ins take ``x += y`` for ``x + y``, which makes a copy."""

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})

    def __isub__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.isub, (self, other), {})

    def __imul__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.imul, (self, other), {})

    def __itruediv__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.itruediv, (self, other), {})


def traceable(module: nn.Module) -> fx.Graph:
    """Trace the calls of a network, taking every check of the input to have passed."""

    class Tracer(fx.Tracer):
        def proxy(self, node: fx.Node) -> fx.Proxy:
            return Overwritten(node, self)

        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return not list(m.children())

        def to_bool(self, obj: fx.Proxy) -> bool:
            return only_checks(inspect.currentframe())

        def iter(self, obj: fx.Proxy):  # type: ignore[no-untyped-def]
            if not are_numbers(obj.node):  # how many maps there are is not known
                raise TypeError(f"it goes through the parts of {obj.node.name} one by one")
            return iter((obj, obj))  # a height and a width, for a check

    try:
        return Tracer().trace(module)
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise TypeError(f"{type(module).__name__} cannot be followed: {reason}") from error


def are_numbers(node: fx.Node) -> bool:
    """Tell whether a step gives a shape or a part of one."""
    while node.op != "placeholder" and name_of_call(node) == "getitem":
        node = node.args[0]  # type: ignore[assignment]
    return node.op in ("call_function", "call_method") and name_of_call(node) in NUMBERS


def only_checks(frame: FrameType | None) -> bool:
    """Give the outcome of a check that passes; refuse another decision that depends on the input.

    A check reads "if the shape is wrong: raise", or "assert".
    """
    while (frame is not None and "/torch/fx/" in frame.f_code.co_filename.replace("\\", "/")) or (
        frame is not None and frame.f_code.co_filename == __file__
    ):
        frame = frame.f_back
    assert frame is not None
    lines, first = inspect.getsourcelines(frame.f_code)
    place = frame.f_lineno - max(first, 1) + 1
    for node in ast.walk(ast.parse(textwrap.dedent("".join(lines)))):
        if not isinstance(node, ast.If | ast.Assert):
            continue
        if node.test.lineno <= place <= (node.test.end_lineno or 0):
            if isinstance(node, ast.Assert):
                return True
            if not node.orelse and all(isinstance(part, ast.Raise) for part in node.body):
                return False
    raise TypeError(f"{frame.f_code.co_name} decides by its input what it does")


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
        If the output is not a feature map, or `count` is below 1.

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
    check_module(module, "module")
    check_whole(count, "count")
    check_generator(generator)
    check_type(input_shape, tuple | list, "input_shape", "a tuple (channels, height, width)")
    if len(input_shape) != 3:
        raise ValueError(f"input_shape must have three sizes, got {len(input_shape)}")
    for size in input_shape:
        check_whole(size, "a size of input_shape", 1)
    if count < 1:
        raise ValueError(f"there must be at least 1 random input, got {count}")
    weight = next(module.parameters(), torch.zeros(()))
    with torch.inference_mode(False), torch.enable_grad(), evaluating(module):
        image = torch.randn(count, *input_shape, generator=generator).to(weight).requires_grad_()
        output = module(image.clone())  # a first layer may change its input in place
        if not isinstance(output, Tensor) or output.ndim != 4:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"the network must give feature maps of shape (N, O, H, W), got {got}")
        middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2].sum()
        gradient = None
        if middle.requires_grad:
            (gradient,) = torch.autograd.grad(middle, image, allow_unused=True)
    if gradient is None:
        raise ValueError("the output in the middle must depend on the input, got no gradient")
    strength = gradient.abs().sum((0, 1))
    if not strength.max() > 0:
        raise ValueError("the output in the middle must depend on the input, got no gradient")
    return strength / strength.max()

import inspect
import random
import traceback
import warnings
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnnguide import receptive
from cnnguide.models import AlexNet, LeNet5, cifar_resnet18, resnet18, resnet50, vgg16
from cnnguide.modes import evaluating
from cnnguide.receptive import (
    Field,
    Layer,
    effective_receptive_field,
    receptive_field_of,
    receptive_fields,
)


def chain(layers):
    modules = [
        nn.Conv2d(1, 1, k.kernel_size, stride=k.stride, dilation=k.dilation, padding=k.padding)
        for k in layers
    ]
    for module in modules:
        nn.init.ones_(module.weight)
    return nn.Sequential(*modules)


def seen_columns(module, index, side=64):
    """Ask a gradient which input columns one output depends on."""
    image = torch.rand(1, 1, side, side, requires_grad=True)
    module(image)[0, 0, index, index].backward()
    return image.grad[0, 0].abs().sum(0).nonzero().flatten().tolist()


@pytest.mark.parametrize(
    "layers",
    [
        [Layer(3)] * 3,
        [Layer(3, stride=2)] * 3,
        [Layer(3, stride=2), Layer(3), Layer(3)],
        [Layer(3), Layer(3, stride=2)],
        [Layer(3), Layer(3), Layer(3, stride=2)],
        [Layer(3), Layer(3, stride=2)] * 2,
        [Layer(5, dilation=2), Layer(2, stride=2), Layer(3, dilation=3)],
        [Layer(3, padding=1), Layer(4, stride=3, padding=1)],
    ],
    ids=str,
)
def test_the_formula_finds_what_a_gradient_finds(layers):
    field = receptive_fields(layers)[-1]
    net = chain(layers)
    index = 4
    columns = seen_columns(net, index)
    centre = field.start + index * field.jump
    assert columns == list(range(int(centre - field.size / 2), int(centre + field.size / 2)))


def test_two_3x3_see_as_far_as_one_5x5():
    assert receptive_fields([Layer(3), Layer(3)])[-1].size == receptive_fields([Layer(5)])[0].size


def test_the_layers_own_stride_does_not_widen_its_field():
    assert receptive_fields([Layer(3, stride=4)])[-1] == Field(3, 4, 1.5, "")


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (LeNet5, 16),
        (AlexNet, 195),
        (vgg16, 212),
        (resnet18, 435),
        (cifar_resnet18, 109),
        (resnet50, 427),
        (torchvision.models.alexnet, 195),
        (torchvision.models.resnet18, 435),
    ],
)
def test_the_networks_fields(make, size):
    with torch.device("meta"):
        net = make()
    assert receptive_field_of(net)[-1].size == size


def test_a_network_is_followed_like_its_layers():
    net = nn.Sequential(
        nn.Conv2d(1, 2, 5, stride=2, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(3)
    )
    layers = [Layer(5, stride=2, padding=1, name="0"), Layer(3, stride=3, name="3")]
    assert receptive_field_of(net) == receptive_fields(layers)


def test_branches_join_in_the_widest():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 1)
            self.c = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return self.c(self.a(x) + self.b(x))

    assert receptive_field_of(Branches())[-1].size == 7


def test_branches_of_different_stride_are_refused():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(1, 1, 2, stride=2)

        def forward(self, x):
            return self.a(x) + x

    with pytest.raises(ValueError, match="different stride meet at add"):
        receptive_field_of(Branches())


# --- networks drawn at random, against the gradient


class Steps(nn.Module):
    """Steps that were drawn: each is a module, or a function of maps and of the modules beside it."""

    def __init__(self, steps):
        super().__init__()
        self.functions = [step for step, _ in steps]
        self.parts = nn.ModuleList(nn.ModuleList(modules) for _, modules in steps)

    def forward(self, x):
        for function, modules in zip(self.functions, self.parts, strict=True):
            x = function(x, *modules)
        return x


C = 3  # channels everywhere


class Turned(nn.Conv2d):
    """A convolution with a forward of its own, as some libraries have it."""

    def forward(self, x):
        return super().forward(x[:, :, ::2])


def draw_step(draw):
    """Draw one step: layers that can be followed, and what must be followed rightly or refused."""

    def conv(**fixed):
        k, d = draw.choice((1, 2, 3, 3, 5)), draw.choice((1, 1, 1, 2))
        s = draw.choice((1, 1, 1, 2, 3))
        settings = {"stride": s, "padding": draw.choice((0, 1, k // 2)), "dilation": d} | fixed
        if settings["padding"] == "half":
            k = draw.choice((1, 3, 5))
            settings["padding"] = d * (k - 1) // 2
        return nn.Conv2d(C, C, k, groups=draw.choice((1, C)), **settings)

    def level():  # keeps the side
        return conv(stride=1, padding="half")

    def pool():
        k, ceil = draw.choice((2, 3)), draw.choice((False, True))
        if draw.random() < 0.5:
            return nn.AvgPool2d(k, draw.choice((None, 1, 2)), k // 2, ceil_mode=ceil)
        return nn.MaxPool2d(
            k, draw.choice((None, 1, 2)), k // 2, draw.choice((1, 2)), ceil_mode=ceil
        )

    def gate(x, squeeze):
        return x * torch.sigmoid(squeeze(x.mean((2, 3), keepdim=True)))

    def shuffle(x):
        n, c, h, w = x.size()
        return x.view(n, c, w, h).transpose(2, 3)

    def parts(x, *convs):
        return torch.cat([f(p) for f, p in zip(convs, x.chunk(C, 1), strict=False)], 1)

    def pair(x, first, second):
        a, b = torch.cat([x, x], 1).chunk(2, 1)
        return first(a) + second(b)

    one = lambda: nn.Conv2d(1, 1, draw.choice((1, 3, 5)), padding="same")  # noqa: E731
    p, s = draw.choice((0, 1)), draw.choice((1, 2))
    usual = [
        lambda: (lambda x, f: f(x), [conv()]),
        lambda: (lambda x, f: f(x), [conv(stride=1, dilation=draw.choice((1, 2)), padding=draw.choice(("same", "valid")))]),
        lambda: (lambda x, f: f(x), [pool()]),
        lambda: (lambda x, f: f(x), [nn.Sequential(level(), nn.BatchNorm2d(C), nn.ReLU(inplace=True))]),
        lambda: (lambda x, f: f(x), [draw.choice((nn.SiLU, nn.GELU, nn.Identity, nn.Dropout))()]),
        lambda: (lambda x: F.max_pool2d(x, 3, 2, p), []),
        lambda: (lambda x: F.max_pool2d(x, kernel_size=2, dilation=2), []),
        lambda: (lambda x: F.avg_pool2d(x, 3, 1, p, False), []),
        lambda: (lambda x, f: F.avg_pool2d(x, 3, 1, 1) + f(x), [level()]),
        lambda: (lambda x, f: F.max_pool2d(x, 3, 1, 1) + f(x), [level()]),
        lambda: (lambda x: F.avg_pool2d(F.relu(x), 2, stride=s), []),
        lambda: (lambda x, f: x + f(x), [level()]),
        lambda: (lambda x, f, g: f(x) + g(x), [level(), level()]),
        lambda: (lambda x, f, g: f(x).add_(F.silu(g(x))), [level(), level()]),
        lambda: (lambda x, f, g: (f(x) - 3 * g(x)).abs(), [level(), level()]),
        lambda: (lambda x, f, g: torch.cat([f(x)[:, :1], g(x)[:, 1:]], dim=1), [level(), level()]),
        lambda: (pair, [level(), level()]),
    ]  # fmt: skip
    strange = [
        lambda: (lambda x: x[:, :, ::2, ::2], []),
        lambda: (lambda x: x[..., 1:-1, 1:-1], []),
        lambda: (lambda x: F.pad(x, (1, 1, 1, 1)), []),
        lambda: (gate, [nn.Conv2d(C, C, 1)]),
        lambda: (shuffle, []),
        lambda: (lambda x: x.flip(2), []),
        lambda: (lambda x: x.mT, []),
        lambda: (lambda x: x.mean(3, keepdim=True) + x, []),
        lambda: (lambda x: F.interpolate(x, scale_factor=2), []),
        lambda: (lambda x, f, g: f(x) + g(x) if x.shape[2] % 2 else f(x), [level(), level()]),
        lambda: (parts, [one(), one(), one()]),
        lambda: (lambda x, f: f(x), [nn.Upsample(scale_factor=2)]),
        lambda: (lambda x, f: f(x), [Turned(C, C, 3, padding=1)]),
        lambda: (lambda x, f: f(x), [nn.AdaptiveAvgPool2d(draw.choice((1, 5)))]),
        lambda: (lambda x, f: f(x), [nn.GroupNorm(1, C)]),
        lambda: (lambda x, f: torch.softmax(f(x), 1), [level()]),
        lambda: (lambda x: torch.cat([x, x], 2), []),
    ]
    return draw.choice(usual if draw.random() < 0.93 else strange)()


def draw_network(seed):
    """Draw a network with positive weights, so that nothing that it adds up cancels."""
    draw = random.Random(seed)
    steps = [draw_step(draw) for _ in range(draw.randint(1, 6))]
    bare = len(steps) == 1 and len(steps[0][1]) == 1 and draw.random() < 0.5
    net = (steps[0][1][0] if bare else Steps(steps)).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            fan_in = parameter[0].numel()
            parameter.copy_((0.5 + torch.rand(parameter.shape, generator=generator)) / fan_in)
    return net


def pooled_alike(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **_):
    """Stand in for max pooling, whose gradient goes to one pixel: all of its window counts."""
    k = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    weight = torch.ones(x.shape[1], 1, *k, dtype=x.dtype) / (k[0] * k[1])
    stride = kernel_size if stride is None else stride
    return F.conv2d(x, weight, None, stride, padding, dilation, x.shape[1])


def seen_along(output, image, axis):
    """Ask a gradient for the first and last rows, or columns, on which an output depends."""
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2].sum()
    (gradient,) = torch.autograd.grad(middle, image, retain_graph=True)
    along = (gradient[0] != 0).any(0).any(1 - axis).nonzero().flatten()
    return int(along[0]), int(along[-1])


def compare(net):
    """Hold every field against the gradient; give how many layers were compared."""
    fields = receptive_field_of(net)
    widest = max([field.size for field in fields] + [8 * field.jump for field in fields] + [1])
    side = 2 * widest + 33
    image = torch.rand(1, C, side, side, dtype=torch.float64).add(0.1).requires_grad_()
    outputs = []
    windows = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
    names = {m: n for n, m in net.named_modules() if isinstance(m, windows)} or {}
    for module, name in names.items():
        name = name or type(module).__name__
        module.register_forward_hook(lambda _m, _i, y, n=name: outputs.append((n, y.clone())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "max_pool2d", pooled_alike)
        try:
            last = net(image.clone())
        except RuntimeError:  # a window larger than the maps
            return 0
    named = {field.name: field for field in fields}
    if last.ndim == 4 and last.shape[2] > 1:
        outputs.append((None, last))
    for name, output in outputs:
        field = named.get(name) if name is not None else ([Field(), *fields][-1])
        for axis in (0, 1):
            first, end = seen_along(output, image, axis)
            if field is not None:
                middle = field.start + (output.shape[2 + axis] // 2) * field.jump
                ends = middle - field.size / 2, middle + field.size / 2 - 1
            if field is None or (first, end) != ends:  # not listed: it sees the whole input
                # a stride may leave the last pixels out
                assert first == 0 and end >= side - 1 - widest // 8, (name, field, first, end, net)
                assert field is None or name is None, (name, field, first, end, net)
    return len(outputs)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # is followed, too
def test_the_fields_of_random_networks_are_those_of_the_gradient_or_refused():
    outcomes = Counter()
    for seed in range(300):
        net = draw_network(seed)
        try:
            layers = compare(net)
            outcomes["layers"] += layers
            outcomes["agree" if layers else "cannot run"] += 1
        except (TypeError, ValueError) as error:
            if not is_ours(error) or "\n" in str(error):
                raise
            outcomes["refused"] += 1
    print(f"random networks: {dict(outcomes)}")
    assert outcomes["agree"] >= 200 and outcomes["refused"] >= 50


def is_ours(error):
    """Whether an error was raised by the module itself."""
    return traceback.extract_tb(error.__traceback__)[-1].filename == receptive.__file__


class Once(nn.Module):
    """One function of an input, and a convolution after it."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)
        self.last = nn.Conv2d(C, C, 3, padding=1)

    def forward(self, x):
        return self.last(self.function(x, *self.layers))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.mT, "what getattr_1 does to the places is not known"),
        (lambda x: x.view(1, C, 4, -1), "last takes numbers whose places are not known: a view"),
        (lambda x: x.view(-1), "last takes numbers whose places are not known: a view"),
        (lambda x: x.reshape(x.size()), "last takes numbers whose places are not known: a view"),
        (lambda x: F.adaptive_avg_pool2d(x, 7), "last takes numbers whose places are not known"),
        (lambda x: sum(part for part in x.chunk(3, 1)), "goes through the parts of chunk one by"),
    ],
)
def test_what_loses_the_places_before_a_window_is_refused(function, message):
    with pytest.raises((TypeError, ValueError), match=message):
        receptive_field_of(Once(function))


@pytest.mark.parametrize("side", [1, (1, 1), [1, 1]])
def test_a_pooling_to_one_place_ends_the_fields_however_its_size_is_written(side):
    layers = nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(side)
    assert [field.name for field in receptive_field_of(nn.Sequential(*layers))] == ["0"]


def test_a_layer_with_a_forward_of_its_own_is_refused():
    with pytest.raises(TypeError, match="the window of 0, a Turned, is not known"):
        receptive_field_of(nn.Sequential(Turned(1, 1, 3)))


def test_some_of_several_maps_that_see_differently_far_are_refused():
    def function(x, near, far):
        return torch.cat([near(x), far(x)], 1)[:, :C]

    layers = nn.Conv2d(C, C, 1), nn.Conv2d(C, C, 5, padding=2)
    with pytest.raises(ValueError, match="getitem takes some of several maps that see differently"):
        receptive_field_of(Once(function, *layers))


def test_the_last_field_is_that_of_the_output():
    net = Steps(
        [(lambda x, f, g: f(x) + g(x), [nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 1)])]
    )
    assert [(f.name, f.size) for f in receptive_field_of(net)] == [
        ("parts.0.0", 5), ("parts.0.1", 1), ("add", 5)
    ]  # fmt: skip


def test_an_unknown_layer_is_refused():
    with pytest.raises(TypeError, match="window of 0, a ConvTranspose2d, is not known"):
        receptive_field_of(nn.Sequential(nn.ConvTranspose2d(1, 1, 2)))


def test_an_oblong_kernel_is_refused():
    with pytest.raises(ValueError, match="0 differs in height and width"):
        receptive_field_of(nn.Sequential(nn.Conv2d(1, 1, (3, 5))))


@pytest.mark.parametrize("settings", [{"kernel_size": 0}, {"kernel_size": 3, "stride": 0}])
def test_a_layer_without_a_window_is_refused(settings):
    with pytest.raises(ValueError, match="kernel, stride and dilation of at least 1"):
        Layer(**settings)


def test_the_effective_field_lies_inside_the_theoretical_one():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(4)])
    seen = effective_receptive_field(net, (1, 21, 21), generator=torch.Generator().manual_seed(0))
    rows = (seen.sum(1) > 0).nonzero().flatten()
    assert seen.max() == 1
    assert rows.min() >= 10 - 4 and rows.max() <= 10 + 4


def test_the_effective_field_fades_from_the_middle():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(5)])
    for layer in net:
        nn.init.constant_(layer.weight, 1 / 9)
    seen = effective_receptive_field(net, (1, 21, 21), generator=torch.Generator())
    middle = seen[10]
    assert (middle[10:].diff() <= 1e-6).all()
    assert middle[15] < 0.05  # the formula's border is seen, and hardly


def test_measuring_leaves_the_mode_as_it_was():
    net = nn.Sequential(nn.BatchNorm2d(1)).train()
    effective_receptive_field(net, (1, 5, 5), generator=torch.Generator())
    assert net.training and net[0].num_batches_tracked == 0


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_effective_field_is_measured_where_there_is_no_gradient(mode):
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3, padding=1)).double()
    with mode():
        seen = effective_receptive_field(net, (1, 7, 7), generator=torch.Generator())
    assert (seen > 0).sum() <= 9 and seen.max() == 1


def test_an_output_without_maps_is_refused():
    with pytest.raises(ValueError, match=r"feature maps of shape \(N, O, H, W\), got \(8, 25\)"):
        effective_receptive_field(nn.Flatten(), (1, 5, 5), generator=torch.Generator())


def test_no_input_is_refused():
    with pytest.raises(ValueError, match="there must be at least 1 random input, got 0"):
        effective_receptive_field(nn.Identity(), (1, 5, 5), generator=torch.Generator(), count=0)


def test_the_effective_field_stands_in_the_middle():
    net = nn.Conv2d(1, 1, 3, padding=1)
    seen = effective_receptive_field(net, (1, 9, 11), generator=torch.Generator())
    rows, columns = (seen > 0).nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (3, 5)
    assert (columns.min(), columns.max()) == (4, 6)


def test_the_effective_field_depends_on_the_pictures_that_are_drawn():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    first, again, other = (
        effective_receptive_field(net, (1, 9, 9), generator=torch.Generator().manual_seed(s))
        for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("widths", [(3, 1), (3, 3)])
def test_a_small_field_cannot_tell_near_marks_from_distant_ones_even_at_the_edges(widths):
    torch.manual_seed(0)
    margin = sum(widths) // 2 - 1
    rows = torch.zeros(2, 22, 1, 32)
    for first in range(22):
        for near, distance in enumerate((10, 6)):
            rows[near, first, 0, [first, first + distance]] = 1
    network = nn.Sequential(
        nn.ConstantPad1d(margin, 0.0),
        nn.Conv1d(1, 12, widths[0]),
        nn.ReLU(),
        nn.Conv1d(12, 12, widths[1]),
        nn.AdaptiveMaxPool1d(1),
    ).double()
    found = network(rows.flatten(0, 1).double())
    torch.testing.assert_close(found, found[:1].expand_as(found))


class ThreeConvolutions(nn.Module):
    """Three convolutions, of which a test makes a forward pass."""

    def __init__(self, between):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.between = between
        self.same, self.dropout, self.relu = nn.Identity(), nn.Dropout(0.5), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.c(self.between(self, self.a(x)))


def added_in_place(net, x):
    x.add_(net.b(x))
    return x


def multiplied_in_place(net, x):
    x.mul_(net.b(x))
    return x


def added_after_relu(net, x):
    y = net.relu(x)
    y.add_(net.b(y))
    return y


def added_to_another_name(net, x):
    y = net.same(x)
    y += net.b(x)
    return x


def added_to_the_same(net, x):
    y = x
    y += net.b(x)
    return x


def added_to_what_dropout_gives(net, x):
    y = net.dropout(x)
    y.add_(net.b(x))
    return x


def added_to_a_part(net, x):
    part = x[:, :2]
    part += net.b(x)[:, :2]
    return x


def added_to_a_copy(net, x):
    y = x.clone()
    y.add_(net.b(x))
    return x


def added_to_what_a_pooling_gives(net, x):
    y = F.avg_pool2d(x, 1, 1)
    y.add_(net.b(x))
    return x


@torch.no_grad()
def seen_by_trying(module):
    """Count the columns that move the output in the middle; a gradient needs what is overwritten."""
    module = module.double()
    for kernel in (net.weight for net in module.modules() if isinstance(net, nn.Conv2d)):
        kernel.copy_(kernel.abs() + 0.1)
    with evaluating(module):
        image = torch.rand(1, 3, 21, 21, generator=torch.Generator().manual_seed(0)).double()
        images = image.repeat(22, 1, 1, 1)
        for column in range(21):
            images[column + 1, :, :, column] += 1
        middle = torch.stack([module(x[None].clone())[0, 0, 10, 10] for x in images])
    return int((middle[1:] != middle[0]).sum())


@pytest.mark.parametrize(
    "between", [added_in_place, multiplied_in_place, added_after_relu, added_to_the_same]
)
def test_what_is_changed_in_place_sees_what_was_added(between):
    net = ThreeConvolutions(between)
    assert receptive_field_of(net)[-1].size == seen_by_trying(net) == 7


@pytest.mark.parametrize("between", [added_to_a_copy, added_to_what_a_pooling_gives])
def test_a_copy_is_changed_alone(between):
    net = ThreeConvolutions(between)
    assert receptive_field_of(net)[-1].size == seen_by_trying(net) == 5


@pytest.mark.parametrize(
    "between", [added_to_another_name, added_to_what_dropout_gives, added_to_a_part]
)
def test_what_is_changed_under_another_name_is_refused(between):
    net = ThreeConvolutions(between)
    assert seen_by_trying(net) == 7
    with pytest.raises(ValueError, match="changes in place what goes on under another name"):
        receptive_field_of(net)


def added_into_it(net, x):
    torch.add(x, net.b(x), out=x)
    return x


def test_what_is_written_into_a_tensor_that_is_there_is_refused():
    with torch.no_grad():
        assert seen_by_trying(ThreeConvolutions(added_into_it)) == 7
    with pytest.raises(TypeError, match=r"add writes into a tensor that is there already \(out=\)"):
        receptive_field_of(ThreeConvolutions(added_into_it))


FLAGGED = [
    function
    for name, function in vars(F).items()
    if name in receptive.POINTWISE_CALLS - receptive.SHARING_CALLS
    and inspect.isfunction(function)
    and "inplace" in inspect.signature(function).parameters
]


@pytest.mark.parametrize("function", FLAGGED, ids=lambda function: function.__name__)
@pytest.mark.parametrize("writes_over", [False, True])
def test_a_function_writes_over_its_input_only_if_its_flag_says_so(function, writes_over):
    between = len(inspect.signature(function).parameters) - 2  # the input and the flag
    settings = [1] * between  # 1 equals True, and is no flag

    def added(net, x):
        y = function(x, *settings, writes_over)
        y.add_(net.b(x))
        return x

    net = ThreeConvolutions(added)
    if writes_over:
        with pytest.raises(ValueError, match="changes in place what goes on under another name"):
            receptive_field_of(net)
    else:
        assert receptive_field_of(net)[-1].size == 5


def test_a_batch_norm_without_running_statistics_is_refused():
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, track_running_stats=False))
    found = effective_receptive_field(net, (3, 21, 21), generator=torch.Generator(), count=2)
    assert (found > 0).all()
    with pytest.raises(TypeError, match="the window of 1, a BatchNorm2d, is not known"):
        receptive_field_of(net)


def test_a_hook_is_refused_but_for_those_that_normalise_weights():
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has another way, too
        nn.utils.weight_norm(net[0])
    assert receptive_field_of(net)[-1].size == 3
    net[0].register_forward_hook(lambda module, inputs, output: F.avg_pool2d(output, 3, 1))
    with pytest.raises(TypeError, match="0 has a hook, and what that does is not known; remove"):
        receptive_field_of(net)

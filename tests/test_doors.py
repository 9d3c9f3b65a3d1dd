"""Every public function, called with what it does not expect: the right value, or one sentence of ours.

A call begins with arguments that are right, of which Hypothesis changes one or two. What comes back
must equal what PyTorch gives, where it has the function; what is refused must be refused by a
`raise` of this package, with a TypeError or a ValueError in one line.
"""

import copy
import functools
import importlib
import pkgutil
import sys
import traceback
import types
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing import assert_close

import cnnguide

PACKAGE = Path(cnnguide.__file__).parent


def lesson_names():
    """The modules whose names are public; a command takes words from a shell, and has its own tests."""
    names = [m.name for m in pkgutil.walk_packages(cnnguide.__path__, "cnnguide.")]
    return [n for n in names if not n.startswith(("cnnguide.commands", "cnnguide.__main__"))]


@contextmanager
def without_the_checker():
    """Import the package as a user does: without the tests' checker of shapes."""
    before = sys.meta_path[:], {n: m for n, m in sys.modules.items() if n.startswith("cnnguide")}
    for name in before[1]:
        del sys.modules[name]
    sys.meta_path[:] = [f for f in sys.meta_path if "jaxtyping" not in type(f).__module__]
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n.startswith("cnnguide")]:
            del sys.modules[name]
        sys.meta_path[:] = before[0]
        sys.modules.update(before[1])


with without_the_checker():
    MODULES = {name.partition(".")[2]: importlib.import_module(name) for name in lesson_names()}


def public():
    """Every callable of every `__all__`, once, under the module that defines it."""
    found = {}
    for module in MODULES.values():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and not isinstance(value, types.GenericAlias | types.UnionType):
                found[f"{value.__module__.partition('.')[2]}.{name}"] = value
    return found


PUBLIC = public()

# --- what a call is made of


@dataclass
class Door:
    """How a public name is called rightly, and what must come of it."""

    good: Any  # makes the arguments, by name
    right: Any = None  # gives the value that must come back, of the same arguments
    use: Any = None  # calls it; by default with the arguments
    foreign: tuple = ()  # arguments that are changed for what is no tensor alone
    kept: tuple = ()  # arguments that stay as they are
    also: tuple = ()  # errors of the system that the docstring names
    calls: int = 60


def seeded():
    return torch.Generator().manual_seed(0)


def counted(*shape, dtype=torch.float64):
    size = int(np.prod(shape))
    return ((torch.arange(size) * 7 % 11).to(dtype) - (5 if dtype.is_signed else 0)).view(shape)


def pictures(n=4, side=6):
    return (torch.arange(n * 3 * side * side) * 37 % 256).to(torch.uint8).view(n, 3, side, side)


LABELS = torch.tensor([0, 1, 2, 1])


def net(channels=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


class Lenient(nn.Module):
    """A network of a reader's that takes anything: what it does with it is not ours to say."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return torch.arange(12.0).view(4, 3) * self.scale


def recipe(**changes):
    return PUBLIC["recipe.Recipe"](**{"epochs": 1, "batch_size": 2, "padding": 1, **changes})


def axes():
    plt.close("all")
    return plt.figure().add_axes((0, 0, 1, 1), xlim=(0, 4), ylim=(3, 0))


def layers(*places):
    return nn.ModuleList(nn.Linear(1, 1) for _ in places)


def both(value):
    return value if isinstance(value, tuple) else (value, value)


def torch_conv(image, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that an even kernel needs a copy
        padding = padding if isinstance(padding, str) else both(padding)
        return F.conv2d(image, weight, bias, both(stride), padding, both(dilation), groups)


def torch_crop(images, rows, columns, padding):
    h, w = images.shape[2:]
    padded = F.pad(images, (padding,) * 4)
    cut = [x[:, r : r + h, c : c + w] for x, r, c in zip(padded, rows, columns, strict=True)]
    return torch.stack(cut) if cut else images


def torch_cutout(images, rows, columns, side):
    images = images.clone()
    for x, r, c in zip(images, rows.tolist(), columns.tolist(), strict=True):
        x[:, max(r - side // 2, 0) : max(r - side // 2 + side, 0),
          max(c - side // 2, 0) : max(c - side // 2 + side, 0)] = 0  # fmt: skip
    return images


def torch_cutmix(images, box, permutation):
    top, bottom, left, right = box
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[permutation][:, :, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / images[0, 0].numel()


def torch_soft(labels, lam, permutation, num_classes):
    one = F.one_hot(labels, num_classes)
    return (lam * one + (1 - lam) * one[permutation]).float()


def torch_mixed_loss(logits, labels, lam, permutation):
    soft = torch_soft(labels, lam, permutation, logits.shape[1]).to(logits.dtype)
    return F.cross_entropy(logits, soft)


def torch_apply(image, kernel):
    ph, pw = (side // 2 for side in kernel.shape)
    weight = kernel.to(image.dtype).expand(image.shape[1], 1, *kernel.shape)
    return F.conv2d(F.pad(image, (pw, pw, ph, ph), "replicate"), weight, groups=image.shape[1])


def torch_normalise(images, mean, std):
    from torchvision.transforms import v2

    x = images / 255 if images.dtype == torch.uint8 else images
    return v2.functional.normalize(x, list(mean), list(std))


def torch_sgd(weight, velocity, gradient, learning_rate, momentum, weight_decay):
    w = nn.Parameter(weight.detach().clone())
    optimizer = torch.optim.SGD([w], lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    if momentum:
        optimizer.state[w]["momentum_buffer"] = velocity.detach().clone()
    w.grad = gradient.detach().clone()
    optimizer.step()
    return w.detach()


def image_and_kernel(**more):
    return {"image": counted(2, 4, 6, 5), "weight": counted(6, 2, 3, 3), "bias": counted(6),
            "stride": 1, "padding": 1, "dilation": 1, "groups": 2, **more}  # fmt: skip


def images_and(**more):
    return {"images": counted(4, 3, 6, 5), **more}


def mixed(**more):
    return {"lam": 0.25, "permutation": torch.tensor([3, 2, 1, 0]), **more}


def scores_and(**more):
    return {"scores": counted(4, 3), **more}


def made(key, **more):
    """Arguments of a layer, and of a call of it."""
    return lambda: {**more, "x": counted(2, 4, 6, 5, dtype=torch.float32)}


def call_layer(layer, x, **arguments):
    return layer(**arguments)(x)


def as_meta(call):
    def make(function, **arguments):
        with torch.device("meta"):
            return call(function, **arguments)

    return make


def parameters(function, **arguments):
    return sum(p.numel() for p in function(**arguments).parameters())


def temporary(name):
    return Path(plt.matplotlib.get_cachedir(), "doors", name)


def epoch(function, batches_of=None, rates=None, images=None, labels=None, **arguments):
    return function(batches=[(images, labels)] * 2, **arguments)


def train_arguments():
    model = Lenient()
    return {
        "model": model,
        "images": counted(4, 1, 2, 2, dtype=torch.float32),
        "labels": LABELS,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "learning_rates": iter([0.1] * 3),
        "label_smoothing": 0.0,
        "bfloat16": False,
        "average": None,
    }


def steps_of():
    block = PUBLIC["models.resnet.BasicBlock"](8, 8)
    return PUBLIC["trace.forward_steps"](block, torch.zeros(2, 8, 4, 4))


def drawn(**more):
    return {"axes": axes(), "x": 2, "y": 1, **more}


def run_once(training, model, recipe, seed, device, train, validation, **more):
    *_, run = training(model, recipe, seed=seed, device=device, **more).fit(train, validation)
    return len(run.history)


def run_arguments(**more):
    return {
        "model": Lenient(),
        "recipe": recipe(batch_size=4),
        "train": (pictures(), LABELS),
        "validation": (pictures(), LABELS),
        "seed": 0,
        "device": "cpu",
        **more,
    }


def enter(function, **arguments):
    with function(**arguments) as given:
        return given is not None


def classifier(least, side, **more):
    return lambda: {"num_classes": 3, **more}


def network_call(layer, x, **arguments):
    return layer(**arguments).eval()(x)


def value_of(name):
    return PUBLIC[name]


WAYS = ("conv2d_loops", "conv2d_windows", "conv2d_matmul", "conv2d_library")
DOORS = {
    **{f"conv.{way}": Door(image_and_kernel, torch_conv) for way in WAYS},
    "conv.pair": Door(lambda: {"value": 3, "name": "kernel", "least": 1}, lambda value, name, least: both(value), kept=("name", "least")),
    "conv.output_size": Door(
        lambda: {"size": 7, "kernel_size": 3, "stride": 1, "padding": 1, "dilation": 1},
        lambda size, kernel_size, **s: F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel_size), **s).shape[2],
    ),
    "conv.windows": Door(
        lambda: {"image": counted(2, 3, 6, 5), "kernel_size": (2, 3), "stride": 1, "dilation": 1},
        lambda image, kernel_size, stride, dilation: F.unfold(
            image.double(), both(kernel_size), both(dilation), 0, both(stride)
        ).view(image.shape[0], image.shape[1], *both(kernel_size),
               *F.max_pool2d(image.double(), both(kernel_size), both(stride), 0, both(dilation)).shape[2:]
        ).permute(0, 1, 4, 5, 2, 3).to(image.dtype),
    ),
    "conv.pad": Door(
        lambda: {"image": counted(2, 3, 4, 4), "padding": (1, 2), "value": 0.0},
        lambda image, padding, value: F.pad(
            image, (both(padding)[1],) * 2 + (both(padding)[0],) * 2, value=value
        ),
    ),
    "conv.correlate": Door(
        lambda: {"image": counted(5, 6), "kernel": counted(2, 3)},
        lambda image, kernel: F.conv2d(image[None, None], kernel[None, None])[0, 0],
    ),
    "conv.apply_kernel": Door(lambda: {"image": counted(2, 3, 5, 5), "kernel": counted(3, 3)}, torch_apply),
    "conv.DepthwiseSeparableConv2d": Door(
        lambda: {"in_channels": 4, "out_channels": 3, "kernel_size": 3, "stride": 1, "padding": 1,
                 "bias": True, "x": counted(2, 4, 6, 5, dtype=torch.float32)},
        use=lambda layer, x, **a: tuple(layer(**a)(x).shape),
        right=lambda x, in_channels, out_channels, kernel_size, stride, padding, bias: tuple(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)(x).shape
        ),
    ),
    "conv.conv_parameters": Door(
        lambda: {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 2, "bias": True},
        lambda in_channels, out_channels, kernel_size, **s: parameters(
            functools.partial(nn.Conv2d, in_channels, out_channels, kernel_size), **s
        ),
    ),
    "conv.conv_multiply_adds": Door(
        lambda: {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "output_size": (5, 4), "groups": 2},
        lambda in_channels, out_channels, kernel_size, output_size, groups: parameters(
            functools.partial(nn.Conv2d, in_channels, out_channels, kernel_size), groups=groups, bias=False
        ) * both(output_size)[0] * both(output_size)[1],
    ),
    "pool.max_pool2d": Door(
        lambda: {"image": counted(2, 3, 6, 5), "kernel_size": 2, "stride": 2, "padding": 1},
        lambda image, kernel_size, stride, padding: F.max_pool2d(image, kernel_size, stride, padding),
    ),
    "pool.avg_pool2d": Door(
        lambda: {"image": counted(2, 3, 6, 5), "kernel_size": 2, "stride": 2, "padding": 1},
        lambda image, kernel_size, stride, padding: F.avg_pool2d(image, kernel_size, stride, padding),
    ),
    "pool.max_blur_pool2d": Door(
        lambda: {"image": counted(2, 3, 6, 5), "kernel_size": 2, "stride": 2},
        lambda image, kernel_size, stride: torch_apply(
            F.max_pool2d(image, kernel_size, 1), torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
        )[:, :, ::stride, ::stride],
    ),
    "pool.relative_change": Door(
        lambda: {"before": counted(2, 3), "after": counted(2, 3) + 1},
        lambda before, after: float(torch.linalg.norm(after - before) / torch.linalg.norm(before)),
    ),
    # learning
    "learn.linear": Door(
        lambda: {"x": counted(2, 3), "weight": counted(4, 3), "bias": counted(4)}, F.linear
    ),
    "learn.relu": Door(lambda: {"x": counted(2, 3)}, lambda x: F.relu(x)),
    "learn.softmax": Door(scores_and, lambda scores: F.softmax(scores, 1)),
    "learn.log_softmax": Door(scores_and, lambda scores: F.log_softmax(scores, 1)),
    "learn.cross_entropy": Door(lambda: scores_and(labels=LABELS), lambda scores, labels: F.cross_entropy(scores, labels)),
    "learn.cross_entropy_gradient": Door(
        lambda: scores_and(labels=LABELS),
        lambda scores, labels: torch.func.grad(F.cross_entropy)(scores.detach(), labels),
    ),
    "learn.measured_gradient": Door(
        lambda: {"function": lambda x: x.square().sum(), "x": counted(3) / 10, "step": 1e-4},
        lambda function, x, step: 2 * x if x.dtype == torch.float64 and step < 0.1 and callable(function) and x.numel() else None,
        kept=("function",),
    ),
    "learn.sgd_step": Door(
        lambda: {"weight": counted(3), "velocity": counted(3), "gradient": counted(3) + 1,
                 "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        torch_sgd,
        use=lambda function, **a: function(**a)[0],
    ),
    # normalisation and dropout
    "norm.batch_statistics": Door(
        lambda: {"x": counted(2, 3, 4, 4)},
        lambda x: torch.var_mean(x, (0, 2, 3), correction=0)[::-1],
    ),
    "norm.standardise": Door(
        lambda: {"x": counted(2, 3, 4, 4), "mean": counted(3), "variance": counted(3).square(), "eps": 1e-5},
        lambda x, mean, variance, eps: (x - mean[:, None, None]) / (variance[:, None, None] + eps).sqrt(),
    ),
    "norm.BatchNorm2d": Door(
        lambda: {"num_features": 4, "eps": 1e-5, "momentum": 0.1, "affine": True,
                 "x": counted(2, 4, 6, 5, dtype=torch.float32)},
        lambda x, num_features, **s: nn.BatchNorm2d(num_features, **s)(x) if s["eps"] else None,
        use=call_layer,
    ),
    "dropout.draw_mask": Door(
        lambda: {"x": counted(3, 4), "p": 0.5, "generator": seeded()},
        use=lambda f, x, **a: tuple(f(x, **a).shape),
        right=lambda x, p, generator: tuple(x.shape),
    ),
    "dropout.drop_where": Door(
        lambda: {"x": counted(4), "mask": torch.tensor([True, False, False, True]), "p": 0.5},
        lambda x, mask, p: x * 0 if p == 1 else torch.where(mask, torch.zeros_like(x), x) / (1 - p),
    ),
    "dropout.dropout": Door(
        lambda: {"x": counted(3, 4), "p": 0.5, "generator": seeded()},
        lambda x, p, generator: F.dropout(x, float(p), training=False) if p == 0 else None,
    ),
    "dropout.Dropout": Door(
        lambda: {"p": 0.5, "generator": None, "x": counted(3, 4)},
        lambda x, p, generator: x,
        use=network_call,
    ),
    # data and augmentation
    "data.cache_folder": Door(dict),
    "data.cached_file": Door(dict),
    "data.read": Door(
        lambda: {"path": Path("nowhere"), "sha256": "ab", "count": 3}, also=(FileNotFoundError,)
    ),
    "data.load": Door(lambda: {"which": "nothing"}, also=(FileNotFoundError,)),
    "data.digits": Door(dict),
    "data.to_float": Door(lambda: {"images": pictures()}, lambda images: images.float() / 255),
    "data.normalise": Door(
        lambda: images_and(mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3)), torch_normalise
    ),
    "data.check_lengths": Door(lambda: images_and(labels=LABELS)),
    "data.channel_statistics": Door(
        lambda: {"images": pictures()},
        lambda images: torch.var_mean(images.double() / 255, (0, 2, 3), correction=0)[::-1],
        use=lambda f, images: (lambda m, s: (m, s**2))(*f(images)),
    ),
    "data.per_image_std": Door(
        lambda: {"images": pictures()}, lambda images: (images.float() / 255).std((2, 3)).mean(0)
    ),
    "data.open_picture": Door(
        lambda: {"path": PACKAGE / "sample" / "test.webp", "side": 4},
        use=lambda f, path, side: tuple(f(path, side=side).shape),
        right=lambda path, side: (3, side, side),
        also=(FileNotFoundError,), calls=20,
    ),
    "data.find_pictures": Door(lambda: {"folder": Path("nowhere")}, also=(FileNotFoundError,)),
    "data.find_copies": Door(
        lambda: {"images": pictures()[[0, 1, 0, 1]]},
        lambda images: [
            (next(j for j in range(k) if torch.equal(images[j], images[k])), k)
            for k in range(len(images)) if any(torch.equal(images[j], images[k]) for j in range(k))
        ] if not (images.is_floating_point() and images.isnan().any()) else None,
    ),
    "data.split": Door(
        lambda: images_and(labels=LABELS, validation=0.5, generator=seeded()),
        use=lambda f, images, labels, **a: sum(len(part) for part in f(images, labels, **a)[1::2]),
        right=lambda images, labels, **_: len(labels),
    ),
    "data.only": Door(
        lambda: images_and(labels=LABELS, names=["bird", "airplane"]),
        use=lambda f, **a: f(**a)[1],
        right=lambda images, labels, names: torch.tensor(
            [names.index(cnnguide.data.CLASSES[k]) for k in labels.tolist() if cnnguide.data.CLASSES[k] in names],
            dtype=torch.int64,
        ),
    ),
    "data.batches": Door(
        lambda: images_and(labels=LABELS, batch_size=3, generator=None),
        use=lambda f, **a: torch.cat([y for _, y in f(**a)]).sort().values,
        right=lambda labels, **_: labels.sort().values,
    ),
    "data.loader": Door(
        lambda: images_and(labels=LABELS, batch_size=3, shuffle=True, transform=None, workers=0, seed=0),
        use=lambda f, **a: torch.cat([y for _, y in f(**a)]).sort().values,
        right=lambda labels, **_: labels.sort().values,
        kept=("workers",), foreign=("images",),
    ),
    "augment.cifar_pipeline": Door(
        lambda: {"train": True}, use=lambda f, train: tuple(f(train=train)(pictures(1, 32)[0]).shape),
        right=lambda train: (3, 32, 32), calls=20,
    ),
    "augment.imagenet_pipeline": Door(
        lambda: {"train": True}, use=lambda f, train: tuple(f(train=train)(pictures(1, 32)[0]).shape),
        right=lambda train: (3, 224, 224), calls=20,
    ),
    "augment.crop_at": Door(
        lambda: images_and(rows=LABELS, columns=LABELS.flip(0), padding=1), torch_crop
    ),
    "augment.random_crop": Door(
        lambda: images_and(padding=1, generator=seeded()),
        use=lambda f, **a: tuple(f(**a).shape), right=lambda images, **_: tuple(images.shape),
    ),
    "augment.flip_where": Door(
        lambda: images_and(mask=torch.tensor([True, False, True, False])),
        lambda images, mask: torch.stack(
            [x.flip(-1) if flip else x for x, flip in zip(images, mask, strict=True)]
        ) if len(images) else images,
    ),
    "augment.random_flip": Door(
        lambda: images_and(p=1.0, generator=seeded()),
        lambda images, p, generator: images.flip(-1) if p == 1 else images if p == 0 else None,
    ),
    "augment.cutout_at": Door(
        lambda: images_and(rows=LABELS, columns=LABELS.flip(0), side=3), torch_cutout
    ),
    "augment.random_cutout": Door(
        lambda: images_and(side=3, generator=seeded()),
        use=lambda f, **a: tuple(f(**a).shape), right=lambda images, **_: tuple(images.shape),
    ),
    # mixing
    "mix.sample_lambda": Door(
        lambda: {"alpha": 0.5, "generator": seeded()},
        use=lambda f, **a: 0 <= f(**a) <= 1, right=lambda **_: True,
    ),
    "mix.mixup": Door(
        lambda: images_and(**mixed()),
        lambda images, lam, permutation: lam * images + (1 - lam) * images[permutation],
    ),
    "mix.cutmix_box": Door(
        lambda: {"height": 6, "width": 5, "lam": 0.5, "centre": (2, 3)},
        use=lambda f, **a: (lambda top, bottom, left, right: 0 <= top <= bottom and 0 <= left <= right)(*f(**a)),
        right=lambda **_: True,
    ),
    "mix.draw_box": Door(
        lambda: {"height": 6, "width": 5, "lam": 0.5, "generator": seeded()},
        use=lambda f, **a: (lambda top, bottom, left, right: 0 <= top <= bottom and 0 <= left <= right)(*f(**a)),
        right=lambda **_: True,
    ),
    "mix.cutmix": Door(
        lambda: images_and(box=(1, 3, 0, 4), permutation=torch.tensor([3, 2, 1, 0])), torch_cutmix
    ),
    "mix.soft_labels": Door(lambda: {"labels": LABELS, "num_classes": 4, **mixed()}, torch_soft),
    "mix.mixed_loss": Door(lambda: {"logits": counted(4, 3), "labels": LABELS, **mixed()}, torch_mixed_loss),
    "mix.random_mix": Door(
        lambda: images_and(mixup=0.5, cutmix=1.0, probability=0.5, generator=seeded()),
        use=lambda f, **a: tuple(f(**a).images.shape), right=lambda images, **_: tuple(images.shape),
    ),
    "mix.smooth_labels": Door(
        lambda: {"labels": LABELS, "smoothing": 0.1, "num_classes": 4},
        lambda labels, smoothing, num_classes: (
            (1 - smoothing) * F.one_hot(labels, num_classes).float() + smoothing / num_classes
        ),
    ),
    "mix.calibration": Door(
        lambda: {"probabilities": counted(4, 3).softmax(1), "labels": LABELS, "bins": 5},
        use=lambda f, **a: 0 <= f(**a).error <= 1, right=lambda **_: True,
    ),
    # receptive fields
    "receptive.Layer": Door(lambda: {"kernel_size": 3, "stride": 1, "dilation": 1, "padding": 0}),
    "receptive.receptive_fields": Door(
        lambda: {"layers": [PUBLIC["receptive.Layer"](3)] * 3},
        use=lambda f, layers: [field.size for field in f(layers)],
    ),
    "receptive.receptive_field_of": Door(
        lambda: {"module": nn.Conv2d(3, 4, 3)}, use=lambda f, module: [field.size for field in f(module)],
        right=lambda module: [3] if isinstance(module, nn.Conv2d) else [],
    ),
    "receptive.effective_receptive_field": Door(
        lambda: {"module": nn.Conv2d(1, 1, 3, padding=1), "input_shape": (1, 5, 6), "generator": seeded(), "count": 2},
        use=lambda f, **a: tuple(f(**a).shape), right=lambda input_shape, **_: tuple(input_shape[1:]),
        kept=("input_shape",),
    ),
    # networks
    "models.lenet.LeNet5": Door(
        lambda: {"in_channels": 3, "num_classes": 4, "activation": None, "x": torch.zeros(2, 3, 32, 32)},
        use=lambda f, x, **a: tuple(f(**a)(x).shape),
        right=lambda x, num_classes, **_: (len(x), num_classes), calls=40,
    ),
    "models.alexnet.AlexNet": Door(
        lambda: {"num_classes": 4, "dropout": 0.5, "x": torch.zeros(1, 3, 63, 63)},
        use=as_meta(lambda f, x, **a: tuple(f(**a)(x.to("meta") if isinstance(x, torch.Tensor) else x).shape)),
        right=lambda x, num_classes, **_: (len(x), num_classes), calls=40,
    ),
    "models.vgg.VGG": Door(
        lambda: {"stages": (1, 1, 1, 1, 1), "num_classes": 4, "dropout": 0.5, "x": torch.zeros(1, 3, 32, 32),
                 "step": PUBLIC["models.vgg.plain_conv"]},
        use=as_meta(lambda f, x, **a: tuple(f(**a)(x.to("meta") if isinstance(x, torch.Tensor) else x).shape)),
        right=lambda x, num_classes, **_: (len(x), num_classes), calls=40,
    ),
    "models.vgg.plain_conv": Door(
        lambda: {"in_channels": 3, "out_channels": 4},
        use=lambda f, **a: len(f(**a)), right=lambda **_: 2,
    ),
    **{
        f"models.vgg.{name}": Door(lambda: {"num_classes": 4}, use=as_meta(parameters), calls=10)
        for name in ("vgg16", "vgg16_bn", "vgg19", "vgg19_bn")
    },
    "models.quick.QuickNet": Door(
        lambda: {"num_classes": 4, "widths": (60, 64, 64), "x": torch.zeros(2, 3, 32, 32)},
        use=lambda f, x, **a: tuple(f(**a)(x).shape), kept=("widths",),
        right=lambda x, num_classes, **_: (len(x), num_classes), calls=40,
    ),
    "models.quick.whitening_filters": Door(
        lambda: {"images": counted(4, 2, 6, 6), "kernel_size": 2, "eps": 0.01},
        use=lambda f, **a: tuple(f(**a).shape),
        right=lambda images, kernel_size, eps: (images.shape[1] * kernel_size**2, images.shape[1], kernel_size, kernel_size),
    ),
    **{
        f"models.resnet.{name}": Door(
            lambda: {"in_channels": 4, "width": 4, "stride": 1, "x": torch.ones(2, 4, 6, 6)},
            use=lambda f, x, **a: len(f(**a)(x)), right=lambda x, **_: len(x), calls=40,
        )
        for name in ("BasicBlock", "PlainBlock", "Bottleneck")
    },
    **{
        f"models.resnet.{name}": Door(
            lambda: {"block": PUBLIC["models.resnet.BasicBlock"], "depths": (1, 1), "num_classes": 4, "width": 4,
                     "x": torch.zeros(2, 3, 32, 32)},
            use=lambda f, x, **a: tuple(f(**a).eval()(x).shape),
            right=lambda x, num_classes, **_: (len(x), num_classes), calls=40,
        )
        for name in ("ResNet", "CifarResNet")
    },
    **{
        f"models.resnet.{name}": Door(lambda: {"num_classes": 4}, use=as_meta(parameters), calls=10)
        for name in ("resnet18", "resnet34", "resnet50", "cifar_plain18", "cifar_resnet10", "cifar_resnet18")
    },
    "models.cost.count_parameters": Door(lambda: {"model": net()}, lambda model: 84 if len([*model.children()]) else 0),
    "models.cost.count_multiply_adds": Door(
        lambda: {"model": net(), "input_shape": (3, 4, 5)},
        lambda model, input_shape: 81 * len([*model.parameters()]) // 2 * input_shape[1] * input_shape[2], kept=("input_shape",),
    ),
    # training
    "recipe.Recipe": Door(
        lambda: {f: getattr(recipe(), f) for f in PUBLIC["recipe.Recipe"].__dataclass_fields__},
        use=lambda f, **a: f(**a).epochs, right=lambda epochs, **_: epochs, calls=200,
    ),
    "recipe.find_recipe": Door(lambda: {"name": "quick"}),
    "recipe.check_triple": Door(lambda: {"values": (1.0, 2.0, 3.0), "name": "mean", "above": True}, kept=("name", "above")),
    "recipe.learning_rate_at": Door(
        lambda: {"recipe": recipe(epochs=4), "step": 1, "steps_per_epoch": 2}, lambda **_: 0.1
    ),
    "train.seed_everything": Door(
        lambda: {"seed": 3}, use=lambda f, seed: f(seed).initial_seed(), right=lambda seed: seed
    ),
    "train.make_optimizer": Door(lambda: {"model": net(), "recipe": recipe()}, use=lambda f, **a: len(f(**a).param_groups)),
    "train.moving_average": Door(lambda: {"model": net(), "keep": 0.5}, use=lambda f, **a: f(**a) is not None),
    "train.has_fast_bfloat16": Door(lambda: {"device": torch.device("cpu")}),
    "train.autocast": Door(lambda: {"device": torch.device("cpu"), "bfloat16": False}, use=lambda f, **a: f(**a) is None),
    "train.train_epoch": Door(
        train_arguments, use=epoch, foreign=("images",), also=(FloatingPointError,)
    ),
    "train.evaluate": Door(
        lambda: {k: v for k, v in train_arguments().items() if k in ("model", "images", "labels", "bfloat16")},
        use=lambda f, **a: epoch(f, **a).accuracy,
        right=lambda labels, **_: float((labels == 2).double().mean()),
        foreign=("images",),
    ),
    "train.fast_layout": Door(lambda: {"x": counted(2, 3, 4, 4)}, lambda x: x),
    "run.check_pictures": Door(lambda: {"pair": (pictures(), LABELS), "name": "train"}, kept=("name",)),
    "run.augmented_batches": Door(
        lambda: {"images": pictures(), "labels": LABELS, "recipe": recipe(), "generator": seeded()},
        use=lambda f, **a: torch.cat([y for _, y in f(**a)]).sort().values,
        right=lambda labels, **_: labels.sort().values,
    ),
    "run.Training": Door(run_arguments, use=run_once, right=lambda **_: 1, calls=40),
    "run.device_of": Door(lambda: {"device": "cpu"}, right=lambda **_: torch.device("cpu")),
    "run.fit": Door(
        lambda: run_arguments(checkpoint=None), calls=40, right=lambda **_: 1,
        use=lambda f, **a: len([*f(**a)]),
    ),
    # the fast loop
    "fast.draw_choices": Door(
        lambda: {"count": 5, "recipe": recipe(), "generator": seeded(), "size": (6, 5)},
        use=lambda f, **a: len(f(**a).image), right=lambda count, **_: count,
    ),
    "fast.ImagesOnDevice": Door(
        lambda: {"images": pictures(), "labels": LABELS, "recipe": recipe()},
        use=lambda f, **a: f(**a).labels, right=lambda labels, **_: labels,
    ),
    "fast.FastTraining": Door(
        lambda: run_arguments(techniques=None), use=run_once, right=lambda **_: 1, calls=40
    ),
    "fast.processes": Door(dict, lambda: 1),
    "fast.rank": Door(dict, lambda: 0),
    "fast.record_step": Door(
        lambda: {"step": print, "example": PUBLIC["fast.Choices"](*[LABELS] * 6), "model": net(),
                 "optimizer": torch.optim.SGD(net().parameters())},
    ),
    "fast.saved_bytes": Door(lambda: {"model": net(), "size": 4, "bfloat16": False}, use=lambda f, **a: f(**a) > 0),
    # transfer
    "transfer.find_head": Door(lambda: {"model": nn.Sequential(nn.Linear(2, 3))}, use=lambda f, model: f(model)[0], right=lambda model: "0"),
    "transfer.replace_head": Door(
        lambda: {"model": nn.Sequential(nn.Linear(2, 3)), "num_classes": 4},
        use=lambda f, **a: f(**a).out_features, right=lambda num_classes, **_: num_classes,
    ),
    "transfer.Preprocessing": Door(
        lambda: {"size": 8, "mean": (0.5,) * 3, "std": (0.5,) * 3, "images": pictures()},
        use=lambda f, images, **a: tuple(f(**a)(images).shape),
        right=lambda images, size, **_: (len(images), 3, size, size),
    ),
    "transfer.Frozen": Door(lambda: {"module": net(), "x": torch.zeros(1, 3, 4, 4)}, kept=("x",), use=lambda f, module, x: f(module)(x) is not None),
    "transfer.PartlyFrozen": Door(
        lambda: {"model": net(), "learning": 1, "parts": ["0"], "keep_statistics": False},
        use=lambda f, **a: f(**a).parts,
    ),
    "transfer.trainable_parameters": Door(lambda: {"model": net()}, lambda model: 84 if len([*model.children()]) else 0),
    "transfer.cached_features": Door(
        lambda: {"backbone": nn.Flatten(), "batches": [counted(2, 1, 2, 2)] * 2},
        use=lambda f, **a: f(**a).shape[0],
    ),
    "transfer.fit_head": Door(
        lambda: {"features": counted(4, 2), "labels": LABELS, "num_classes": 3, "weight_decay": 0.01},
        use=lambda f, **a: f(**a).out_features, right=lambda num_classes, **_: num_classes,
    ),
    "transfer.parameter_groups": Door(
        lambda: {"parts": [nn.Linear(1, 1)] * 2, "learning_rate": 0.1, "decay": 0.5},
        use=lambda f, **a: f(**a)[-1]["lr"], right=lambda learning_rate, **_: learning_rate,
    ),
    "transfer.load_pretrained": Door(
        lambda: {"source": Path("nowhere.pt"), "model": net()}, also=(FileNotFoundError,)
    ),
    # files
    "checkpoint.check_digest": Door(lambda: {"got": "ab", "expected": "ab", "name": "file"}),
    "checkpoint.check_path": Door(lambda: {"path": Path(), "name": "path"}, kept=("name",)),
    "checkpoint.load_checkpoint": Door(lambda: {"path": Path("nowhere")}, also=(FileNotFoundError,)),
    "checkpoint.load_weights": Door(
        lambda: {"model": nn.Linear(2, 1), "weights": nn.Linear(2, 1).state_dict()}
    ),
    "checkpoint.read_safetensors": Door(lambda: {"path": Path("nowhere")}),
    "checkpoint.to_safetensors": Door(
        lambda: {"weights": nn.Linear(2, 1).state_dict(), "described": {"model": "quick"}}, use=lambda f, **a: len(f(**a)) > 0
    ),
    "checkpoint.replacing": Door(lambda: {"path": temporary("file")}, use=enter),
    "checkpoint.save_checkpoint": Door(lambda: {"path": temporary("state.pt"), "state": {"x": LABELS, "y": [1, "a"]}}),
    "results.device_name": Door(lambda: {"device": torch.device("cpu")}, use=lambda f, device: "cores" in f(device)),
    "results.circumstances": Door(lambda: {"device": torch.device("cpu")}, use=lambda f, device: sorted(f(device)), calls=20),
    "results.load": Door(lambda: {"stem": "nothing", "folder": Path("nowhere")}, lambda **_: None),
    "results.save": Door(lambda: {"stem": "door", "record": {"runs": []}, "folder": temporary("results")}, use=lambda f, **a: f(**a).name),
    "trained.load_run": Door(lambda: {"folder": Path("nowhere")}),
    "trained.load_demo": Door(lambda: {"folder": Path("nowhere")}),
    "trained.load_backbone": Door(lambda: {"path": Path("nowhere")}, also=(FileNotFoundError,)),
    "trained.make_backbone": Door(dict, lambda: 6, use=lambda f: f().fc.out_features),
    "trained.shipped": Door(dict, use=lambda f: f().classes, calls=1),
    # what is seen
    "modes.evaluating": Door(lambda: {"model": net()}, use=enter),
    "cam.grad_cam": Door(
        lambda: (lambda m: {"model": m, "layer": m[0], "images": counted(4, 3, 4, 4, dtype=torch.float32), "classes": LABELS})(net()),
        use=lambda f, **a: tuple(f(**a).shape), right=lambda images, **_: (len(images), *images.shape[2:]),
        foreign=("images", "model"), kept=(),
    ),
    "cam.ClassMaps": Door(
        lambda: {"model": PUBLIC["models.resnet.cifar_resnet10"](width=4).eval(), "mean": (0.5,) * 3, "std": (0.5,) * 3,
                 "x": torch.zeros(2, 3, 8, 8)},
        use=lambda f, x, **a: len(f(**a)(x).scores), right=lambda x, **_: len(x), calls=40,
    ),
    "show.style": Door(dict),
    "show.translate": Door(lambda: {"words": {"a word of no figure": "一个词"}}),
    "show.check_axes": Door(lambda: {"axes": axes()}),
    "show.to_displayable": Door(
        lambda: {"image": pictures(1)[0]},
        lambda image: (image.clamp(0, 1) if image.is_floating_point() else image).squeeze(0) if image.ndim == 2
        else None,
    ),
    "show.show_image": Door(lambda: {"axes": axes(), "image": pictures(1)[0], "title": "a"}, calls=30),
    "show.image_grid": Door(
        lambda: {"images": list(pictures(2)), "titles": ["a", "b"], "columns": 2, "heading": "", "size": 1.0},
        use=lambda f, **a: (plt.close("all"), f(**a) is not None)[1], calls=25,
    ),
    "trace.forward_steps": Door(
        lambda: {"module": net(), "image": torch.zeros(1, 3, 4, 4), "whole": ()},
        use=lambda f, **a: len(f(**a)), right=lambda **_: 4, foreign=("image",), kept=("whole",),
    ),
    "trace.without": Door(
        lambda: {"steps": steps_of(), "unwanted": "relu"},
        use=lambda f, steps, unwanted: len(f(steps, unwanted)), calls=20,
    ),
    # drawings
    "diagram.shape_words": Door(lambda: {"shape": (3, 4)}, lambda shape: " × ".join(map(str, shape))),
    "diagram.words_of": Door(lambda: {"module": nn.Linear(2, 3)}, lambda module: "linear, 3" if isinstance(module, nn.Linear) else "ReLU"),
    "diagram.Box": Door(lambda: {"x": 1, "y": 2, "width": 1, "height": 1}, use=lambda f, **a: f(**a).left),
    "diagram.canvas": Door(lambda: {"title": "a", "height": 2, "width": 4}, calls=25, use=lambda f, **a: (plt.close("all"), f(**a) is not None)[1]),
    "diagram.label": Door(lambda: drawn(words="a", size=8, align="left", kind="maps", weight="bold"), calls=30),
    "diagram.box": Door(lambda: drawn(words="a", kind="maps", width=1, height=None), calls=30),
    "diagram.arrow": Door(
        lambda: {"axes": axes(), "start": (1, 1), "end": (2, 2), "kind": "maps", "head": True, "dashed": False},
        use=lambda f, axes, start, end, **a: f(axes, start, end, **a), calls=30,
    ),
    "diagram.node": Door(lambda: drawn(kind="maps", radius=0.1, dropped=True), calls=30),
    "diagram.plus": Door(lambda: drawn(kind="maps", radius=0.1), calls=30),
    "diagram.cells": Door(lambda: drawn(values=[[1, "a"], [None, 2]], size=0.2, kinds="maps", words=8), calls=30),
    "diagram.sheets": Door(lambda: drawn(count=3, side=0.5, offset=0.1, most=4, kind="maps"), calls=30),
    "diagram.outline": Door(
        lambda: {"axes": axes(), "first": PUBLIC["diagram.Box"](1, 1, 1, 1), "last": PUBLIC["diagram.Box"](2, 1, 1, 1), "kind": "mark"},
        calls=30,
    ),
    "diagram.key": Door(lambda: {"axes": axes(), "y": 1, "maps": "a"}, calls=20),
    "diagram.flow": Door(
        lambda: drawn(steps=steps_of(), width=1, gap=0.1, side=0.5, beside=None, words=PUBLIC["diagram.words_of"], first=None, shapes=True),
        use=lambda f, **a: len(f(**a)), calls=25,
    ),
}  # fmt: skip
# They hold what functions give back, and compute nothing.
RECORDS = {
    *(
        "cam.Looked",
        "data.Cifar10",
        "data.Digits",
        "data.PictureFiles",
        "fast.Choices",
        "fast.Techniques",
        "receptive.Field",
    ),
    *("mix.Calibration", "mix.Mixed"),
    *("run.Epoch", "trace.Step", "train.Score", "trained.TrainedNetwork"),
}
# The checks themselves: each call of another function tests them.
CHECKS = {key for key in PUBLIC if key.startswith("checks.")}


def test_every_public_name_has_its_door():
    assert {*DOORS} | RECORDS | CHECKS == {*PUBLIC}


# --- what is put in

DTYPES = [
    *(torch.uint8, torch.int32, torch.int64, torch.bool, torch.float16, torch.bfloat16),
    *(torch.float32, torch.float64, torch.complex64),
]


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 5), max_size=5))
    dtype = draw(st.sampled_from(DTYPES))
    return draw(st.sampled_from([
        lambda: counted(*shape, dtype=torch.float32).to(dtype),
        lambda: torch.full(shape, -1).to(dtype),
        lambda: torch.full(shape, 200).to(dtype),
        lambda: torch.full(shape, torch.nan).to(dtype) if dtype.is_floating_point else torch.ones(shape).to(dtype),
    ]))()  # fmt: skip


def near(value):
    """What is like a right argument, and may be one: the same shape in another dtype, another number."""
    if isinstance(value, torch.Tensor):
        changed = st.sampled_from([
            *[lambda d=d: value.to(d) for d in DTYPES],
            lambda: value[:0], lambda: value[:1], lambda: value[None], lambda: value[..., None], lambda: -value,
            lambda: value.flip(0), lambda: value.numpy(), value.tolist, lambda: value * 100,
            lambda: value.float() * torch.nan, lambda: value.T if value.ndim == 2 else value[0],
        ])  # fmt: skip
        return st.one_of(changed.map(lambda make: make()), tensors())
    return st.one_of(
        STRANGE,
        st.integers(-2, 7),
        st.tuples(st.integers(-1, 4), st.integers(-1, 4)),
        st.floats(-1, 2),
    )


STRANGE = st.sampled_from([
    None, True, "same", "", b"x", object(), [], (), {}, [1, 2], (1, 2, 3), (1.5, 2), ["a"], [None], {1: 2},
    float("nan"), float("inf"), -float("inf"), 2.5, -1, 0, 10**30, 1j, np.zeros(3), np.float32(1), np.int64(2),
    [torch.zeros(2)], torch.tensor(3), torch.float32, nn.Linear, nn.ReLU(), Path("nowhere"), len, range(3),
    slice(2), "a\nb",
])  # fmt: skip

OUTCOMES = Counter()


@st.composite
def calls(draw, door):
    arguments = door.good()
    names = [name for name in arguments if name not in door.kept]
    for name in draw(st.lists(st.sampled_from(names), min_size=0, max_size=2, unique=True)):
        value = arguments[name]
        foreign = name in door.foreign or not isinstance(value, torch.Tensor)
        other = STRANGE if foreign and not isinstance(value, int | float | tuple) else near(value)
        arguments[name] = draw(other)
        if name in door.foreign and isinstance(arguments[name], torch.Tensor | nn.Module):
            arguments[name] = None
    return arguments


def is_ours(error):
    """Whether an error is one sentence, of a `raise` of this package."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    told = str(error)
    raised = (last.line or "").startswith("raise ") and PACKAGE in Path(last.filename).parents
    return raised and bool(told) and "\n" not in told and len(told) < 400


def check(name, door, arguments):
    function = PUBLIC[name]
    copies = {k: v.clone() for k, v in arguments.items() if isinstance(v, torch.Tensor)}
    given = {**arguments}
    try:
        value = door.use(function, **given) if door.use else function(**given)
    except (TypeError, ValueError, *door.also) as error:
        if not is_ours(error):
            pytest.fail(f"{name}({arguments}) ends in {type(error).__name__}: {error}")
        OUTCOMES[type(error).__name__] += 1
        return
    for k, v in copies.items():
        assert_close(arguments[k], v, equal_nan=True, rtol=0, atol=0)
    OUTCOMES["value"] += 1
    if door.right is None:
        return
    expected = door.right(**{k: copies.get(k, v) for k, v in arguments.items()})
    if expected is None and name != "results.load":
        return
    OUTCOMES["compared"] += 1
    if isinstance(expected, torch.Tensor) or (
        isinstance(expected, tuple) and any(isinstance(e, torch.Tensor) for e in expected)
    ):
        assert_close(value, expected, equal_nan=True, **tolerance(value))
    else:
        assert (
            value == pytest.approx(expected, nan_ok=True)
            if isinstance(expected, float)
            else value == expected
        )


def tolerance(value):
    """Sixteen bits are summed in another order."""
    first = value[0] if isinstance(value, tuple) else value
    short = first.dtype in (torch.float16, torch.bfloat16)
    return {"rtol": 0.05, "atol": 0.5} if short else {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.parametrize("name", DOORS)
def test_a_call_gives_the_right_value_or_is_refused_in_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a path may be one that is written to
    door = DOORS[name]
    check(name, door, door.good())  # what is right is taken, or the file is not there
    if not door.good():
        return

    @settings(
        max_examples=door.calls, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(calls(door))
    def every(arguments):
        check(name, door, arguments)

    every()


# --- where a graph is made, a check must not break it

NAMES = "augment conv data dropout learn mix norm pool".split()
augment, conv, data, dropout, learn, mix, norm, pool = (MODULES[name] for name in NAMES)
PICTURES = counted(4, 3, 8, 8)
WEIGHT = counted(6, 3, 3, 3)
PERMUTATION, PLACES = torch.tensor([3, 2, 1, 0]), torch.tensor([0, 1, 2, 1])
SETTINGS = {"stride": 2, "padding": 1}
MIXED = {"lam": 0.25, "permutation": PERMUTATION}
PUBLIC_CALLS = {
    "conv2d_loops": (lambda x, w: conv.conv2d_loops(x, w, **SETTINGS), PICTURES, WEIGHT),
    "conv2d_windows": (lambda x, w: conv.conv2d_windows(x, w, **SETTINGS), PICTURES, WEIGHT),
    "conv2d_matmul": (lambda x, w: conv.conv2d_matmul(x, w, **SETTINGS), PICTURES, WEIGHT),
    "conv2d_library": (lambda x, w: conv.conv2d_library(x, w, **SETTINGS), PICTURES, WEIGHT),
    "apply_kernel": (lambda x, k: conv.apply_kernel(x, k), PICTURES, counted(3, 3)),
    "max_pool2d": (lambda x: pool.max_pool2d(x, 2, padding=1), PICTURES),
    "avg_pool2d": (lambda x: pool.avg_pool2d(x, 2, padding=1), PICTURES),
    "max_blur_pool2d": (lambda x: pool.max_blur_pool2d(x, 2), PICTURES),
    "standardise": (lambda x: norm.standardise(x, *norm.batch_statistics(x), eps=1e-5), PICTURES),
    "drop_where": (lambda x, m: dropout.drop_where(x, m, p=0.5), PICTURES, PICTURES > 0),
    "normalise": (lambda x: data.normalise(x), PICTURES),
    "softmax": (lambda x: learn.softmax(x), PICTURES[:, :, 0, 0]),
    "cross_entropy": (learn.cross_entropy, PICTURES[:, :, 0, 0], LABELS),
    "mixup": (lambda x, p: mix.mixup(x, lam=0.25, permutation=p), PICTURES, PERMUTATION),
    "cutmix": (lambda x, p: mix.cutmix(x, box=(1, 4, 2, 6), permutation=p)[0], PICTURES, PERMUTATION),
    "soft_labels": (
        lambda y, p: mix.soft_labels(y, lam=0.25, permutation=p, num_classes=3), LABELS, PERMUTATION
    ),
    "mixed_loss": (
        lambda x, y, p: mix.mixed_loss(x, y, lam=0.25, permutation=p),
        PICTURES[:, :, 0, 0], LABELS, PERMUTATION,
    ),
    "crop_at": (lambda x, r, c: augment.crop_at(x, r, c, padding=1), PICTURES, PLACES, PLACES),
    "flip_where": (augment.flip_where, PICTURES, PLACES > 1),
    "cutout_at": (lambda x, r, c: augment.cutout_at(x, r, c, side=3), PICTURES, PLACES, PLACES),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC_CALLS)
def test_a_public_function_is_one_graph_and_takes_tensors_without_numbers(name):
    function, *arguments = PUBLIC_CALLS[name]
    expected = function(*arguments)
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="eager", fullgraph=True)
    assert_close(compiled(*arguments), expected)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:  # some have a kernel of their own
        assert function(*map(mode.from_tensor, arguments)).shape == expected.shape
    assert function(*(x.to("meta") for x in arguments)).shape == expected.shape
    several = torch.func.vmap(function)(*(torch.stack([x, x]) for x in arguments))
    assert_close(several, torch.stack([expected, expected]))
    with torch.autocast("cpu", torch.bfloat16):
        assert function(*arguments).shape == expected.shape


@pytest.mark.parametrize(
    "layer",
    [
        norm.BatchNorm2d(3), norm.BatchNorm2d(3).eval(), dropout.Dropout(0.5).eval(),
        conv.DepthwiseSeparableConv2d(3, 4, 3), PUBLIC["models.quick.QuickNet"]().eval(),
        PUBLIC["models.resnet.cifar_resnet10"](width=4).eval(),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_a_layer_is_one_graph_and_takes_tensors_without_numbers(layer):
    x = torch.rand(4, 3, 32, 32)
    torch._dynamo.reset()
    kept = copy.deepcopy(layer)
    assert_close(torch.compile(kept, backend="eager", fullgraph=True)(x), layer(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).shape == layer(x.clone()).shape
    assert copy.deepcopy(layer).to("meta")(x.to("meta")).shape == layer(x).shape


def takes_tensors_alone(name):
    """Whether a function takes tensors, and no network, which lies where its maker wants it."""
    if not isinstance(PUBLIC[name], types.FunctionType):
        return False
    given = DOORS[name].good().values()
    return any(isinstance(value, torch.Tensor) for value in given) and not any(
        isinstance(value, nn.Module) for value in given
    )


# What they draw is the processor's, and a default device would keep its numbers from being read.
DRAWN_ON_THE_PROCESSOR = {"data.loader", "mix.random_mix"}


@pytest.mark.parametrize(
    "name", sorted({*filter(takes_tensors_alone, DOORS)} - DRAWN_ON_THE_PROCESSOR)
)
def test_what_a_function_makes_lies_where_its_tensors_lie(name):
    """The tensors lie here and not on the default device, as those of a GPU do."""
    door = DOORS[name]
    call = door.use or (lambda function, /, **arguments: function(**arguments))
    expected, arguments = call(PUBLIC[name], **door.good()), door.good()
    with torch.device("meta"):
        found = call(PUBLIC[name], **arguments)
    assert_close(found, expected, equal_nan=True)


def test_wrong_values_are_refused_where_they_can_be_read():
    check_labels = PUBLIC["checks.check_labels"]
    with pytest.raises(ValueError, match="labels for 3 classes must lie from 0 to 2, got 5"):
        check_labels(torch.tensor([0, 5]), 2, 3)
    check_labels(torch.tensor([0, 5], device="meta"), 2, 3)


@pytest.fixture(scope="module", autouse=True)
def _outcomes():
    yield
    print(f"fuzzed calls: {sum(OUTCOMES.values()) - OUTCOMES['compared']}, {dict(OUTCOMES)}")

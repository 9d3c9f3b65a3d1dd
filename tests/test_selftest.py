"""What the page *selftest* asks: five questions a chapter, and right answers that are computed."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide.conv import output_size
from cnnguide.mix import smooth_labels
from cnnguide.models.alexnet import AlexNet
from cnnguide.models.cost import count_multiply_adds, count_parameters
from cnnguide.models.lenet import LeNet5
from cnnguide.models.resnet import resnet18, resnet50
from cnnguide.models.vgg import vgg16
from cnnguide.receptive import Layer, receptive_field_of, receptive_fields

DOCS = Path(__file__).parents[1] / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
STEMS = re.search(r":name: reading-order\n\n(.*?)\n:::", INDEX, re.DOTALL)[1].split()
PAGE = (DOCS / "selftest.md").read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^::::\{question\} (\S+)\n(.*?)^::::$", PAGE, re.M | re.S))
SECTION = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)


def answers_of(name):
    """List the answers of a question."""
    return re.findall(r"^- (.*)$", QUESTIONS[name], re.MULTILINE)


def right_of(name):
    """Count, from 1, which answer is right."""
    return int(re.search(r"^:right: (\d+)$", QUESTIONS[name], re.MULTILINE)[1])


def test_each_chapter_has_five_questions_in_its_own_order():
    chapters = [name.partition("-")[0] for name in QUESTIONS]
    assert chapters == [stem for stem in STEMS for _ in range(5)]
    sections = re.findall(r"^\(selftest-(\w+)\)=$", PAGE, re.MULTILINE)
    assert sections == STEMS


def test_the_names_are_unique_since_progress_is_kept_by_them():
    names = re.findall(r"\{question\} (\S+)", PAGE)
    assert max(Counter(names).values()) == 1


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_leads_to_a_section_of_its_chapter(name):
    section = re.search(r"^:read: (\S+)$", QUESTIONS[name], re.MULTILINE)[1]
    stem = name.partition("-")[0]
    assert section in SECTION.findall((DOCS / f"{stem}.md").read_text(encoding="utf-8"))


def test_no_place_gives_the_right_answer_away():
    places = Counter(right_of(name) for name in QUESTIONS)
    assert {*places} == {1, 2, 3}
    assert max(places.values()) < 0.4 * len(QUESTIONS)


def slope_of_the_true_class():
    scores = torch.tensor([[2.0, 1.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(scores, torch.tensor([1]))
    (slope,) = torch.autograd.grad(loss, scores)
    return f"{slope[0, 1].item():.2f}".replace("-", "−")


def gradient_of_a_window():
    window = torch.tensor([[[[7.0, 1.0], [3.0, 5.0]]]], requires_grad=True)
    (slopes,) = torch.autograd.grad(8 * F.max_pool2d(window, 2).sum(), window)
    (place,) = slopes.flatten().nonzero().flatten().tolist()
    value, others = slopes.flatten()[place], slopes.sum() - slopes.flatten()[place]
    return f"{value:g} to the {window.flatten()[place]:g}, and {others:g} to the others"


def shift_that_changes_nothing():
    """Pool twice, take the mean, and shift the picture around in a circle."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 32, 32, generator=generator)

    def output(shift):
        x = F.max_pool2d(F.max_pool2d(image.roll(shift, 3), 2), 2)
        return x.double().mean().item()

    changed = [math.isclose(output(k), output(0), rel_tol=1e-12) for k in range(1, 9)]
    same = [k for k, is_same in enumerate(changed, start=1) if is_same]
    assert same == [4, 8]
    return f"a multiple of {same[0]} pixels"


def running_variance():
    layer = nn.BatchNorm2d(1)
    layer(torch.tensor([1.0, 1.0, 3.0, 3.0]).reshape(1, 1, 2, 2))
    return f"{layer.running_var.item():.3f}"


def means_of_batchnorm():
    layer, batch = nn.BatchNorm2d(32), torch.zeros(16, 32, 10, 10)
    return f"{layer.running_mean.numel()} means, from {batch.numel() // 32:,} numbers each"


def zero_block():
    x = torch.rand(2, 8, 4, 4)
    layers = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1))
    for parameter in layers.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(torch.relu(layers(x) + x), x)
    return "The input"


def dropped():
    torch.manual_seed(0)
    values = nn.Dropout(0.75)(torch.ones(1000)).unique().tolist()
    return " and ".join(f"{value:g}" for value in values)


def deviations():
    pictures = torch.tensor([[0.0] * 4, [1.0] * 4])
    own = pictures.std(1, correction=0).mean()
    return f"{pictures.std(correction=0):g} and {own:g}"


def adam():
    weights = [nn.Parameter(torch.tensor(0.0)) for _ in range(2)]
    for weight, gradient in zip(weights, (5, 0.05), strict=True):
        weight.grad = torch.tensor(float(gradient))
    torch.optim.Adam(weights, lr=0.1).step()
    assert weights[0].item() == pytest.approx(weights[1].item(), rel=1e-4)
    return "equally far"


def smallest_loss(label):
    return -sum(p * math.log(p) for p in label if p)


def size_message():
    with pytest.raises(RuntimeError) as error:
        nn.Sequential(
            *(nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2)),
            *(nn.Flatten(), nn.Linear(400, 120)),
        )(torch.zeros(1, 1, 28, 28))
    assert str(error.value).removeprefix("addmm: ") in QUESTIONS["lenet-size"]
    return "another size"


def lenet_layer():
    layers = {
        n: count_parameters(m) for n, m in LeNet5().named_modules() if isinstance(m, nn.Linear)
    }
    convolutions = [count_parameters(m) for m in LeNet5().modules() if isinstance(m, nn.Conv2d)]
    largest = max(layers, key=layers.get)
    assert layers[largest] > max(convolutions) and largest == next(iter(layers))
    return "The first fully connected layer"


def alexnet_place(kernel=11, stride=4, padding=0):
    return str(output_size(224, kernel, stride=stride, padding=padding))


def shares_of(model, side):
    """Give the fully connected layers' shares of the parameters and of the multiply-adds."""
    linear = sum(count_parameters(m) for m in model.modules() if isinstance(m, nn.Linear))
    weights = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear))
    return linear / count_parameters(model), weights / count_multiply_adds(model, (3, side, side))


def alexnet_faster():
    parameters, work = shares_of(AlexNet(), 224)
    assert f"{parameters:.0%} of the parameters".replace("%", " %") in QUESTIONS["alexnet-faster"]
    assert f"{1 - work:.0%} of the work".replace("%", " %") in QUESTIONS["alexnet-faster"]
    return "The convolutions"


def vgg_file():
    parameters, work = shares_of(vgg16(), 224)
    assert parameters == pytest.approx(0.9, abs=0.02) and work < 0.01
    return "The size of the file"


def last_side():
    model, sides = resnet18().eval(), []
    model.layer4.register_forward_hook(lambda m, i, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        model(torch.ones(1, 3, 32, 32))
    return f"{sides[0]} × {sides[0]}"


def frozen_layer():
    layer = nn.BatchNorm2d(3).requires_grad_(False)
    before = layer.running_mean.clone()
    layer(torch.ones(1, 3, 32, 32))
    assert not torch.equal(layer.running_mean, before)
    return "the running statistics"


# Each right answer that can be computed, and how.
COMPUTED = {
    "conv-parameters": lambda: str(count_parameters(nn.Conv2d(3, 16, 3))),
    "conv-size": lambda: str(output_size(32, 5, padding=2, stride=2)),
    "pool-gradient": gradient_of_a_window,
    "pool-invariant": shift_that_changes_nothing,
    "pool-head": lambda: f"{count_parameters(nn.Linear(512, 1000, bias=False)):,}",
    "receptive-two": lambda: str(field((3, 1), (3, 1))),
    "receptive-stride": lambda: str(field((3, 1), (2, 2), (3, 1))),
    "receptive-deeper": lambda: deeper(),
    "learn-guess": lambda: "about the same probability" if round(math.log(10), 2) == 2.3 else "",
    "learn-softmax-twice": lambda: f"{twice():.2f}",
    "learn-slope": slope_of_the_true_class,
    "lenet-where": lenet_layer,
    "lenet-second": lambda: f"{count_parameters(nn.Conv2d(6, 16, 5)):,}",
    "lenet-size": size_message,
    "alexnet-faster": alexnet_faster,
    "alexnet-side": alexnet_place,
    "dropout-values": dropped,
    "vgg-stack": lambda: f"{3 * 9 * 64**2:,} against {49 * 64**2:,}",
    "vgg-work": vgg_file,
    "vgg-variance": lambda: f"1/{2**10}",
    "norm-axes": means_of_batchnorm,
    "norm-running": running_variance,
    "resnet-zero": zero_block,
    "resnet-shortcut": lambda: f"{count_parameters(nn.Conv2d(64, 128, 1, bias=False)):,}",
    "resnet-factor": lambda: f"{1.1**10:.1f}",
    "data-deviation": deviations,
    "mix-floor": lambda: f"{smallest_loss((0.7, 0.3)):.2f}",
    "mix-box": lambda: f"{1 - 1 / 16}",
    "mix-smooth": lambda: f"{smoothed().max():.2f}",
    "train-mean": lambda: f"{(90 * 1 + 10 * 2) / 100}",
    "train-adam": adam,
    "fast-amdahl": lambda: f"{100 / (100 - 20):.2f} times",
    "fast-bfloat16": lambda: f"stays {(torch.ones((), dtype=torch.bfloat16) + 0.001).item():g}",
    "transfer-size": last_side,
    "transfer-frozen": frozen_layer,
}


def field(*layers):
    return receptive_fields(Layer(kernel, stride=stride) for kernel, stride in layers)[-1].size


def deeper():
    sizes = [receptive_field_of(make())[-1].size for make in (resnet50, resnet18)]
    return "a little smaller" if 0.9 * sizes[1] < sizes[0] < sizes[1] else ""


def smoothed():
    return smooth_labels(torch.tensor([0]), smoothing=0.2, num_classes=4)


def twice():
    """Give the smallest loss after two softmaxes, for ten classes."""
    sure = torch.zeros(1, 10).index_fill_(1, torch.tensor([0]), 1.0)
    return F.cross_entropy(sure, torch.tensor([0])).item()


@pytest.mark.parametrize("name", COMPUTED)
def test_the_right_answer_is_what_is_computed_and_no_other_answer_is(name):
    value, answers = COMPUTED[name](), answers_of(name)
    assert value
    whole = re.compile(rf"(?<![\d.,]){re.escape(value)}(?![.,]?\d)")  # not a part of a number
    found = [k for k, answer in enumerate(answers, start=1) if whole.search(answer)]
    assert found == [right_of(name)]


def test_the_standard_error_of_an_accuracy_is_as_told():
    for percent in (95.1, 95.3):
        error = math.sqrt(percent * (100 - percent) / 10_000)
        assert f"is about {error:.1f} points" in QUESTIONS["train-two-runs"]

import itertools
import re
from pathlib import Path
from statistics import mean

import pytest
import torch
from torch.testing import assert_close
from torchvision.transforms import v2

from benchmarks import augmented
from cnnguide import augment, data, results

PLACES = list(itertools.product(range(9), range(9), (False, True)))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_every_crop_and_flip_equals_torchvisions(dtype):
    image = torch.randint(256, (3, 32, 32), dtype=torch.uint8).to(dtype)
    rows, columns, flips = (torch.tensor(values) for values in zip(*PLACES, strict=True))
    batch = image.expand(len(PLACES), 3, 32, 32)
    ours = augment.flip_where(augment.crop_at(batch, rows, columns, padding=4), flips)
    padded = v2.functional.pad(image, [4])
    for changed, (row, column, flip) in zip(ours, PLACES, strict=True):
        expected = v2.functional.crop(padded, row, column, 32, 32)
        expected = v2.functional.horizontal_flip(expected) if flip else expected
        assert torch.equal(changed, expected)


def test_all_162_outcomes_are_equally_likely():
    # Each pixel holds its own number, so that the outcome can be read off the picture.
    count, image = 162 * 400, torch.arange(1.0, 101.0).view(1, 1, 10, 10).double()
    generator = torch.Generator().manual_seed(0)
    moved = augment.random_crop(image.expand(count, 1, 10, 10), padding=4, generator=generator)
    moved = augment.random_flip(moved, generator=generator)
    possible = augment.crop_at(
        image.expand(81, 1, 10, 10),
        torch.arange(81) // 9,
        torch.arange(81) % 9,
        padding=4,
    )
    possible = torch.cat([possible, possible.flip(-1)]).flatten(1)
    # A random projection tells the outcomes apart and is cheaper than comparing all pixels.
    probe = torch.randn(100, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    keys = possible @ probe
    seen = torch.cdist((moved.flatten(1) @ probe)[:, None], keys[:, None]).argmin(1)
    counts = seen.bincount(minlength=162).double()
    chi_squared = ((counts - 400) ** 2 / 400).sum().item()
    # 161 degrees of freedom: 0.001 of right samples lie above 220.
    assert counts.min() > 0 and chi_squared < 220


def test_torchvisions_own_crop_has_the_same_law():
    torch.manual_seed(0)
    image = torch.arange(1.0, 10.0).view(1, 3, 3)
    transform = v2.RandomCrop(3, padding=1)
    theirs = torch.stack([transform(image) for _ in range(900)])
    generator = torch.Generator().manual_seed(0)
    ours = augment.random_crop(image.expand(900, 1, 3, 3), padding=1, generator=generator)
    counts = [x.flatten(1).unique(dim=0, return_counts=True) for x in (ours, theirs)]
    assert_close(counts[0][0], counts[1][0])
    # 100 of each expected; six standard deviations
    assert all((c - 100).abs().max() < 60 for _, c in counts)


def test_gradients_pass():
    images = torch.rand(4, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    out = augment.crop_at(images, torch.tensor([0, 1, 2, 1]), torch.tensor([2, 1, 0, 0]), padding=1)
    (gradient,) = torch.autograd.grad(augment.flip_where(out, torch.arange(4) > 1).sum(), images)
    assert gradient[1].eq(1).all() and gradient.sum() == out.count_nonzero()


def test_any_memory_layout_gives_the_same():
    images = torch.rand(6, 3, 8, 8)
    one, two = (
        augment.random_crop(x, padding=2, generator=torch.Generator().manual_seed(0))
        for x in (images, images.contiguous(memory_format=torch.channels_last))
    )
    assert torch.equal(one, two)


def test_the_images_stay_as_they_were():
    images = torch.rand(3, 1, 4, 4)
    before = images.clone()
    augment.random_crop(images, generator=torch.Generator()).zero_()
    augment.random_flip(images, p=0.0, generator=torch.Generator()).zero_()
    assert torch.equal(images, before)


def test_no_padding_changes_nothing():
    images = torch.rand(3, 1, 4, 4)
    assert torch.equal(augment.random_crop(images, padding=0, generator=torch.Generator()), images)


@pytest.mark.parametrize("train", [True, False])
def test_the_pipelines_normalise(train):
    grey = torch.full((3, 32, 32), 128, dtype=torch.uint8)
    out = augment.cifar_pipeline(train=train)(grey)
    expected = data.normalise(grey[None])[0][:, 16, 16]
    assert_close(out[:, 16, 16], expected)
    assert augment.imagenet_pipeline(train=train)(grey.repeat(1, 9, 9)).shape == (3, 224, 224)


def test_padding_is_black_and_not_the_mean():
    torch.manual_seed(1)
    white = torch.full((3, 32, 32), 255, dtype=torch.uint8)
    out = augment.cifar_pipeline(train=True)(white)
    black = data.normalise(torch.zeros(1, 3, 1, 1, dtype=torch.uint8)).min()
    assert_close(out.min(), black)


def test_the_test_pipelines_are_not_random():
    image = torch.randint(256, (3, 300, 280), dtype=torch.uint8)
    pipeline = augment.imagenet_pipeline(train=False)
    assert torch.equal(pipeline(image), pipeline(image))


@pytest.mark.parametrize("name", augment.CLASSIC)
def test_each_classic_change_changes_and_keeps_the_size(name):
    torch.manual_seed(0)
    image = torch.rand(3, 32, 32)
    changed = augment.CLASSIC[name](image)
    assert changed.shape == image.shape and not torch.equal(changed, image)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda f: f(augment.crop_at)(
                torch.zeros(3, 4, 4), *[torch.zeros(3).long()] * 2, padding=1
            ),
            r"got \(3, 4, 4\)",
        ),
        (
            lambda f: f(augment.crop_at)(
                torch.zeros(2, 1, 4, 4), *[torch.zeros(3).long()] * 2, padding=1
            ),
            r"shape \(2,\), one offset per image, got \(3,\) and \(3,\)",
        ),
        (
            lambda f: f(augment.crop_at)(
                torch.zeros(1, 1, 4, 4), *[torch.tensor([3])] * 2, padding=1
            ),
            "offsets must lie from 0 to 2, got 3 to 3",
        ),
        (
            lambda f: f(augment.crop_at)(
                torch.zeros(1, 1, 4, 4), *[torch.tensor([-1])] * 2, padding=1
            ),
            "got -1 to -1",
        ),
        (
            lambda f: augment.random_crop(
                torch.zeros(1, 1, 4, 4), padding=-1, generator=torch.Generator()
            ),
            "padding must be at least 0, got -1",
        ),
        (
            lambda f: augment.random_flip(
                torch.zeros(1, 1, 4, 4), p=2.0, generator=torch.Generator()
            ),
            "from 0 to 1, got 2.0",
        ),
        (
            lambda f: f(augment.flip_where)(torch.zeros(2, 4, 4), torch.zeros(2).bool()),
            r"got \(2, 4, 4\)",
        ),
        (
            lambda f: f(augment.flip_where)(torch.zeros(2, 1, 4, 4), torch.zeros(3).bool()),
            r"shape \(2,\), one choice per image, got \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message, unchecked):
    with pytest.raises(ValueError, match=message):
        call(unchecked)


def test_the_imagenet_constants_are_those_of_torchvisions_weights():
    from torchvision.models import ResNet18_Weights

    transform = ResNet18_Weights.IMAGENET1K_V1.transforms()
    assert list(augment.IMAGENET_MEAN) == transform.mean
    assert list(augment.IMAGENET_STD) == transform.std


# What the chapter says about the recorded runs


def measured(kind, name="others_accuracy", *, pictures=1000, epochs=30, width=16, padding=4):
    """What three seeds gave, in percent."""
    wanted = {"kind": kind, "pictures": pictures, "epochs": epochs, "width": width}
    wanted["padding"] = padding
    runs = [run for run in results.load("augment")["runs"] if wanted.items() <= run.items()]
    assert {run["seed"] for run in runs} == {0, 1, 2} and len(runs) == 3
    values = [run[name] for run in runs]
    return 100 * torch.tensor(values) if isinstance(values[0], list) else [100 * v for v in values]


def test_4500_photographs_are_learnt_by_heart_and_changed_ones_are_not():
    options = {"pictures": 4500, "epochs": 25}
    training = measured("none", "train_accuracy", **options)
    assert training[:, 19].min() > 99.9 and training.shape == (3, 25)
    validation = measured("none", "validation_accuracies", **options)
    assert 47.5 < validation[:, -1].mean() < 48.5
    assert validation[:, -1].mean() - validation[:, 19].mean() < 1
    changed = measured("crop, flip", "train_accuracy", **options)[:, -1].mean()
    others = measured("crop, flip", "validation_accuracies", **options)[:, -1].mean()
    assert 62.5 < changed < 63.5 and 57.5 < others < 58.5


def test_crop_and_flip_bring_most_and_nothing_on_top_brings_more():
    kinds = {kind: mean(measured(kind)) for kind in augmented.KINDS}
    gains = {kind: found - kinds["none"] for kind, found in kinds.items()}
    assert 9.5 < gains["crop"] < 10.5 and 4.5 < gains["flip"] < 5.5 and 3 < gains["cutout"] < 4
    assert 10.5 < gains["crop, flip"] < 11.5 and -2 < gains["upside down"] < -0.5
    on_top = [kinds[f"crop, flip, {name}"] for name in augmented.ON_TOP]
    assert len(on_top) == 6 and max(on_top) <= kinds["crop, flip"] < max(on_top) + 0.5
    assert 1.5 < kinds["crop, flip"] - kinds["one for the batch"] < 2.5
    assert (
        kinds["none"] < 35.5 and 39.5 < kinds["flip"] < 40.5 and 45.5 < kinds["crop, flip"] < 46.5
    )


def test_strong_changes_need_long_training():
    policy = "crop, flip, TrivialAugment"
    found = {
        kind: [mean(measured(kind, epochs=epochs)) for epochs in (10, 30, 90)]
        for kind in ("none", "crop, flip", policy)
    }
    assert found["none"][0] > found["none"][1] > found["none"][2] > found["none"][0] - 3
    short, middle, long = found["crop, flip"]
    assert 6.5 < middle - short < 7.5 and 3 < long - middle < 4
    assert short - found[policy][0] > 3 and abs(long - found[policy][2]) < 1
    assert 1.5 < middle - found[policy][1] < 2.5
    narrow = mean(measured("crop, flip", width=8)) - mean(measured(policy, width=8))
    assert 2.5 < narrow < 3.5


def test_a_crop_can_reach_too_far():
    none = mean(measured("flip"))
    gains = [mean(measured("crop, flip", padding=p)) - none for p in (1, 4, 8, 12)]
    assert all(5.5 < gain < 6.5 for gain in gains[:2])
    assert 0 < gains[2] < 3 and gains[3] < -4


def test_versions_in_testing_help_most_without_changes_in_training():
    names = ("test_accuracy", "test_mirrored", "test_ten")
    plain, _, ten = (mean(measured("none", name)) for name in names)
    assert 6.5 < ten - plain < 7.5
    plain, mirrored, ten = (mean(measured("crop, flip", name)) for name in names)
    assert 1 < ten - plain < 2 and abs(mirrored - plain) < 0.5


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(augmented, "BATCH", 5)
    whole = augmented.pictures
    few = {name: (x[::100], y[::100]) for name, (x, y) in whole(1000).items()}
    monkeypatch.setattr(augmented, "pictures", lambda count: few)
    runs = [augmented.choices(kind, 1, 0) for kind in augmented.KINDS]
    monkeypatch.setattr(augmented, "plan", lambda seeds, epochs: iter(runs))
    command = ["--record-folder", str(tmp_path)]
    assert augmented.main(command) == 0
    first = results.load("augment", folder=tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == len(runs)
    results.save("augment", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert augmented.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking


def test_each_kind_changes_what_its_name_says():
    torch.manual_seed(0)
    images = torch.randint(1, 256, (40, 3, 32, 32), dtype=torch.uint8)
    plain = data.normalise(images)

    def change(kind, padding=4):
        return augmented.changed(images, kind, padding, torch.Generator().manual_seed(0))

    assert torch.equal(change("none"), plain)
    for kind, axis in (("flip", -1), ("upside down", -2)):
        turned = (change(kind) == plain.flip(axis)).flatten(1).all(1)
        assert torch.equal(change(kind)[~turned], plain[~turned])
        assert 8 < turned.sum() < 32
    assert (change("cutout") == 0).flatten(1).any(1).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: augment.random_crop(x, padding=2),
        lambda x: augment.random_flip(x),
        lambda x: augment.random_cutout(x, side=2),
    ],
)
def test_without_a_generator_pytorch_s_own_seed_repeats_the_changes(change):
    images = torch.arange(40 * 3 * 6 * 6.0).view(40, 3, 6, 6)
    torch.manual_seed(3)
    first, second = change(images), change(images)
    torch.manual_seed(3)
    assert torch.equal(change(images), first) and not torch.equal(first, second)


def test_the_table_names_the_classes_of_the_nine_cats_in_their_order():
    page = Path(__file__).parents[1] / "docs" / "augment.md"
    calls = re.findall(r"^\| [^|`]+ \| `(.+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    made = [eval(f"v2.{call}", {"v2": v2}) for call in calls]
    assert [type(transform) for transform in made] == [*map(type, augment.CLASSIC.values())]
    jitter, ours = made[5], augment.CLASSIC["colour jitter"]
    for name in ("brightness", "contrast", "saturation", "hue"):
        assert getattr(jitter, name) == getattr(ours, name)

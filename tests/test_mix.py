from statistics import mean

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torchvision.transforms import v2

from benchmarks import augmented, mixing
from cnnguide import data, mix, results
from cnnguide.trained import shipped

# torchvision's transforms mix each image with the one before it.
ROLLED = torch.arange(6).roll(1)


def batch(height=8, width=12):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 3, height, width, generator=generator), torch.tensor([0, 1, 2, 3, 4, 0])


def test_mixup_equals_torchvisions():
    images, labels = batch()
    transform = v2.MixUp(num_classes=5)
    params = {"labels": labels, "batch_size": 6, "lam": 0.3}
    assert_close(
        mix.mixup(images, lam=0.3, permutation=ROLLED), transform.transform(images, params)
    )
    assert_close(
        mix.soft_labels(labels, lam=0.3, permutation=ROLLED, num_classes=5),
        transform.transform(labels, params),
    )


@pytest.mark.parametrize("lam", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("centre", [(0, 0), (4, 6), (7, 11), (2, 9)])
def test_cutmix_equals_torchvisions(lam, centre):
    images, labels = batch()
    box = mix.cutmix_box(8, 12, lam=lam, centre=centre)
    ours, pasted = mix.cutmix(images, box=box, permutation=ROLLED)
    # torchvision's arithmetic, with the centre given instead of drawn
    half = 0.5 * (1 - lam) ** 0.5
    (y, x), (half_h, half_w) = centre, (int(half * 8), int(half * 12))
    y1, y2, x1, x2 = max(y - half_h, 0), min(y + half_h, 8), max(x - half_w, 0), min(x + half_w, 12)
    params = {
        "labels": labels,
        "batch_size": 6,
        "box": (x1, y1, x2, y2),
        "lam_adjusted": 1 - (x2 - x1) * (y2 - y1) / 96,
    }
    transform = v2.CutMix(num_classes=5)
    assert_close(ours, transform.transform(images, params))
    assert pasted == pytest.approx(params["lam_adjusted"])
    assert_close(
        mix.soft_labels(labels, lam=pasted, permutation=ROLLED, num_classes=5),
        transform.transform(labels, params),
    )


def test_cutmix_draws_the_box_that_torchvision_draws():
    images, labels = batch()
    for seed in range(20):
        torch.manual_seed(seed)
        theirs, _ = v2.CutMix(num_classes=5)(images, labels)
        torch.manual_seed(seed)
        lam = float(torch._sample_dirichlet(torch.tensor([1.0, 1.0]))[0])
        x, y = (int(torch.randint(side, (1,))) for side in (12, 8))
        box = mix.cutmix_box(8, 12, lam=lam, centre=(y, x))
        assert_close(mix.cutmix(images, box=box, permutation=ROLLED)[0], theirs)


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
def test_the_mixed_label_says_what_the_picture_shows(method):
    # Image k is k everywhere, so the picture's mean is the label's.
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 9, 5)
    permutation = torch.tensor([3, 0, 1, 2])
    if method == "mixup":
        lam = 0.2
        mixed = mix.mixup(images, lam=lam, permutation=permutation)
    else:
        box = mix.cutmix_box(9, 5, lam=0.3, centre=(8, 1))
        mixed, lam = mix.cutmix(images, box=box, permutation=permutation)
    label = mix.soft_labels(torch.arange(4), lam=lam, permutation=permutation, num_classes=4)
    assert_close(mixed.mean((1, 2, 3)), label @ torch.arange(4.0))


def test_the_box_has_the_images_proportions():
    top, bottom, left, right = mix.cutmix_box(40, 20, lam=0.75, centre=(20, 10))
    assert (bottom - top, right - left) == (20, 10)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_the_mixed_loss_is_the_cross_entropy_with_soft_labels(lam):
    _, labels = batch()
    logits = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    ours = mix.mixed_loss(logits, labels, lam=lam, permutation=ROLLED)
    soft = mix.soft_labels(labels, lam=lam, permutation=ROLLED, num_classes=5).double()
    theirs = F.cross_entropy(logits, soft)
    # the soft labels are float32
    assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert_close(
        torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits), atol=1e-6, rtol=0
    )


def test_the_mixed_loss_can_be_smoothed():
    _, labels = batch()
    logits = torch.randn(6, 5, dtype=torch.float64)
    pairs = {"lam": 0.3, "permutation": ROLLED}
    ours = mix.mixed_loss(logits, labels, label_smoothing=0.2, **pairs)
    soft = 0.8 * mix.soft_labels(labels, num_classes=5, **pairs) + 0.2 / 5
    assert_close(ours, F.cross_entropy(logits, soft.double()), atol=1e-6, rtol=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_smooth_labels_give_pytorchs_loss_and_gradient(smoothing):
    _, labels = batch()
    logits = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    soft = mix.smooth_labels(labels, smoothing=smoothing, num_classes=5)
    assert_close(soft.sum(1), torch.ones(6))
    ours = F.cross_entropy(logits, soft.double())
    theirs = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    # the soft labels are float32
    assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert_close(
        torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits), atol=1e-6, rtol=0
    )


def test_calibration_counts_each_prediction_in_its_bin():
    # confidences 0.6, 0.75, 0.9, 1 and, on the border of two bins, 0.5
    first = torch.tensor([0.6, 0.75, 0.9, 1.0, 0.5], dtype=torch.float64)
    found = mix.calibration(
        torch.stack([first, 1 - first], 1), torch.tensor([0, 1, 0, 0, 1]), bins=4
    )
    assert found.predictions.tolist() == [0, 1, 2, 2]
    assert found.confidence[0].isnan() and found.accuracy[0].isnan()
    assert_close(found.confidence[1:], torch.tensor([0.5, 0.675, 0.95], dtype=torch.float64))
    assert found.accuracy[1:].tolist() == [0, 0.5, 1]
    assert found.error == pytest.approx((0.5 + 2 * 0.175 + 2 * 0.05) / 5)


@pytest.mark.parametrize("bins", [5, 10, 100])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_confidence_on_a_border_counts_in_the_lower_bin(dtype, bins):
    confidence = (torch.arange(1, bins + 1, dtype=torch.float64) / bins).to(dtype)
    rest = ((1 - confidence.double()) / bins)[:, None].expand(-1, bins)  # of other classes
    probabilities = torch.cat([confidence[:, None], rest.to(dtype)], 1)
    certain = probabilities.argmax(1) == 0  # below, another class may be likelier
    found = mix.calibration(
        probabilities[certain], torch.zeros(int(certain.sum())).long(), bins=bins
    )
    assert found.predictions.tolist() == certain.int().tolist() and certain.sum() > 0.9 * bins


def test_predictions_that_are_right_as_often_as_they_say_have_no_calibration_error():
    probabilities = torch.tensor([[0.75, 0.25]]).expand(8, 2)
    labels = torch.tensor([0, 0, 0, 1] * 2)
    assert mix.calibration(probabilities, labels).error == pytest.approx(0)
    assert mix.calibration(probabilities, 1 - labels).error == pytest.approx(0.5)


def mixed_kinds(count=400, **options):
    """Mix many times, and count how often by MixUp, by CutMix and not at all."""
    generator = torch.Generator().manual_seed(0)
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 8, 8)
    kinds = {"MixUp": 0, "CutMix": 0, "none": 0}
    for _ in range(count):
        mixed, lam, partners = mix.random_mix(images, generator=generator, **options)
        assert_close(
            mixed.mean((1, 2, 3)), lam * torch.arange(6.0) + (1 - lam) * torch.arange(6.0)[partners]
        )
        if mixed is images:
            assert lam == 1 and partners.tolist() == list(range(6))
            kinds["none"] += 1
        else:
            pasted = mixed.eq(images) | mixed.eq(images[partners])
            kinds["CutMix" if pasted.all() else "MixUp"] += 1
    return kinds


def test_a_batch_is_mixed_by_the_method_that_was_asked_for():
    assert mixed_kinds(50) == {"MixUp": 0, "CutMix": 0, "none": 50}
    assert mixed_kinds(50, mixup=1.0) == {"MixUp": 50, "CutMix": 0, "none": 0}
    assert mixed_kinds(50, cutmix=1.0) == {"MixUp": 0, "CutMix": 50, "none": 0}


def test_two_methods_take_turns_by_chance_and_some_batches_are_left_out():
    both = mixed_kinds(mixup=1.0, cutmix=1.0, probability=0.75)
    # 150, 150 and 100 are expected; five standard deviations are below 50
    assert abs(both["MixUp"] - 150) < 50 and abs(both["CutMix"] - 150) < 50
    assert abs(both["none"] - 100) < 45


def test_the_images_stay_as_they_were():
    images, _ = batch()
    before = images.clone()
    mix.mixup(images, lam=0.5, permutation=ROLLED)
    mix.cutmix(images, box=(0, 4, 0, 4), permutation=ROLLED)
    assert torch.equal(images, before)


def test_an_expanded_batch_with_gradient_can_be_pasted():
    image = torch.rand(1, 1, 4, 4, requires_grad=True)
    mixed, _ = mix.cutmix(
        image.expand(2, 1, 4, 4), box=(0, 2, 0, 2), permutation=torch.tensor([1, 0])
    )
    assert torch.autograd.grad(mixed.sum(), image)[0].eq(2).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_lambda_follows_its_law(alpha):
    generator = torch.Generator().manual_seed(0)
    draws = torch.tensor([mix.sample_lambda(alpha, generator=generator) for _ in range(4000)])
    variance = 1 / (4 * (2 * alpha + 1))
    # five standard errors of the mean; the variance within a tenth
    assert abs(draws.mean() - 0.5) < 5 * (variance / 4000) ** 0.5
    assert draws.var().item() == pytest.approx(variance, rel=0.1)


def test_a_tiny_alpha_gives_an_end():
    generator = torch.Generator().manual_seed(0)
    draws = {round(mix.sample_lambda(1e-9, generator=generator)) for _ in range(50)}
    assert draws == {0, 1}


def test_the_same_seed_draws_the_same_lambda():
    draws = {mix.sample_lambda(0.5, generator=torch.Generator().manual_seed(4)) for _ in range(3)}
    assert len(draws) == 1


PAIR = torch.tensor([1, 0])
IMAGES = torch.zeros(2, 1, 4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mix.sample_lambda(-1.0, generator=torch.Generator()), "must be finite and not below 0, got -1.0"),
        (lambda: mix.sample_lambda(float("nan"), generator=torch.Generator()), "got nan"),
        (lambda: mix.mixup(IMAGES, lam=1.5, permutation=PAIR), "λ must lie between 0 and 1, got 1.5"),
        (lambda: mix.mixup(IMAGES[:0], lam=0.5, permutation=PAIR[:0]), "at least one image, got none"),
        (lambda: mix.mixup(IMAGES, lam=0.5, permutation=torch.tensor([1, 1])), r"each of 0 to 1 once, got \[1, 1\]"),
        (lambda: mix.cutmix(IMAGES, box=(0, 5, 0, 1), permutation=PAIR), "must lie in the 4×4 image"),
        (lambda: mix.cutmix(IMAGES, box=(2, 1, 0, 1), permutation=PAIR), r"got \(2, 1, 0, 1\)"),
        (lambda: mix.cutmix_box(4, 4, lam=-0.1, centre=(0, 0)), "λ must lie between 0 and 1, got -0.1"),
        (lambda: mix.cutmix_box(4, 4, lam=0.5, centre=(4, 0)), r"inside the 4×4 image, got \(4, 0\)"),
        (lambda: mix.soft_labels(torch.tensor([0, 5]), lam=0.5, permutation=PAIR, num_classes=5), "from 0 to 4, got 5"),
        (lambda: mix.mixed_loss(torch.zeros(2, 3), torch.tensor([-1, 0]), lam=0.5, permutation=PAIR), "from 0 to 2, got -1"),
        (lambda: mix.smooth_labels(torch.tensor([0]), smoothing=1.1, num_classes=3), "smoothing must lie from 0 to 1, got 1.1"),
        (lambda: mix.smooth_labels(torch.tensor([3]), smoothing=0.1, num_classes=3), "from 0 to 2, got 3"),
        (lambda: mix.random_mix(IMAGES, mixup=1.0, probability=2.0, generator=torch.Generator()), "probability must lie from 0 to 1, got 2.0"),
        (lambda: mix.calibration(torch.ones(2, 1), torch.tensor([0, 0]), bins=0), "bins must be at least 1, got 0"),
        (lambda: mix.calibration(torch.zeros(0, 2), torch.zeros(0).long()), r"shape \(N, classes\), got \(0, 2\)"),
        (lambda: mix.calibration(torch.tensor([[2.0, 1.0]]), torch.tensor([0])), "take the softmax first"),
        (lambda: mix.calibration(torch.tensor([[1.5, -0.5]]), torch.tensor([0])), "take the softmax first"),
    ],
)  # fmt: skip
def test_what_cannot_be_mixed_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labels_and_logits_of_different_length_are_refused(unchecked):
    with pytest.raises(
        ValueError, match=r"labels must have shape \(2,\), one per row of logits, got \(3,\)"
    ):
        unchecked(mix.mixed_loss)(
            torch.zeros(2, 3), torch.zeros(3).long(), lam=1.0, permutation=PAIR
        )


def test_bytes_cannot_be_blended(unchecked):
    with pytest.raises(TypeError, match="images to blend must be floats, got torch.uint8"):
        unchecked(mix.mixup)(IMAGES.byte(), lam=0.5, permutation=PAIR)


def test_a_drawn_box_has_its_middle_at_every_pixel_alike():
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(4, 4)
    for _ in range(8000):
        # a box so small that both its sides round down to nothing stands at its middle
        top, bottom, left, right = mix.draw_box(4, 4, lam=0.99, generator=generator)
        assert (top, left) == (bottom, right)
        counts[top, left] += 1
    # 500 are expected at each of the 16 pixels, give or take 22
    assert (counts - 500).abs().max() < 5 * 22


def test_a_drawn_box_is_the_box_around_the_middle_that_was_drawn():
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        row, column = (int(torch.randint(n, (), generator=generator)) for n in (9, 13))
        drawn = mix.draw_box(9, 13, lam=0.6, generator=torch.Generator().manual_seed(seed))
        assert drawn == mix.cutmix_box(9, 13, lam=0.6, centre=(row, column))


def test_the_temperature_of_a_network_that_is_twice_too_sure_is_two():
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(20_000, 5, generator=generator)
    labels = true.softmax(1).multinomial(1, generator=generator).flatten()
    # one step of the temperatures is 2.3 %
    assert mixing.best_temperature(2 * true, labels) == pytest.approx(2, rel=0.05)
    assert mixing.best_temperature(true, labels) == pytest.approx(1, rel=0.05)


def test_a_student_of_a_teacher_has_the_gradient_of_their_divergence():
    student = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(6, 5, dtype=torch.float64)
    ours = mixing.taught_loss(student, teacher, temperature=4)
    softer = (student / 4).log_softmax(1), (teacher / 4).log_softmax(1)
    theirs = 16 * F.kl_div(*softer, reduction="batchmean", log_target=True)
    assert_close(torch.autograd.grad(ours, student), torch.autograd.grad(theirs, student))


# What was measured


def measured(kind, name="others_accuracy", *, epochs=60, changes="crop, flip"):
    """What three seeds gave, in percent."""
    wanted = {"kind": kind, "epochs": epochs, "changes": changes}
    runs = [run for run in results.load("mix")["runs"] if wanted.items() <= run.items()]
    assert {run["seed"] for run in runs} == {0, 1, 2} and len(runs) == 3
    values = [run[name] for run in runs]
    return 100 * torch.tensor(values) if isinstance(values[0], list) else [100 * v for v in values]


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mixing, "BATCH", 5)
    few = {name: (x[::100], y[::100]) for name, (x, y) in augmented.pictures(1000).items()}
    monkeypatch.setattr(augmented, "pictures", lambda count: few)
    monkeypatch.setattr(mixing, "SHORTER", 2)
    command = ["--record-folder", str(tmp_path), "--seeds", "1", "--epochs", "1"]
    assert mixing.main(command) == 0
    first = results.load("mix", folder=tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(mixing.KINDS) + 3 + 1
    assert {run["kind"] for run in first["runs"]} == {*mixing.KINDS, mixing.TAUGHT}
    results.save("mix", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert mixing.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking
    again = results.load("mix", folder=tmp_path)["runs"][-1]
    assert again["train_loss"] == first["runs"][0]["train_loss"]


def test_each_kind_of_the_benchmark_mixes_as_its_name_says():
    images = torch.rand(4, 3, 8, 8)

    def one(kind):
        return mixing.mixed(images, kind, torch.Generator().manual_seed(3))

    for kind in ("hard", "smoothing"):
        assert one(kind).images is images and one(kind).lam == 1
    for kind, alpha in (("MixUp 0.2", 0.2), ("MixUp 1", 1.0)):
        generator = torch.Generator().manual_seed(3)
        partners = torch.randperm(4, generator=generator)
        lam = mix.sample_lambda(alpha, generator=generator)
        found = one(kind)
        assert found.lam == lam and torch.equal(found.permutation, partners)
        assert_close(found.images, mix.mixup(images, lam=lam, permutation=partners))
    pasted, lam, partners = one("CutMix 1")
    assert 0 < lam < 1 and (pasted.eq(images) | pasted.eq(images[partners])).all()


def test_hard_labels_make_a_network_too_sure():
    sure, right = mean(measured("hard", "confidence")), mean(measured("hard"))
    assert 62.5 < sure < 63 and 48 < right < 48.6
    assert 13.5 < mean(measured("hard", "calibration_error")) < 14.5
    assert 2.5 < mean(measured("hard", "calibration_error", epochs=15)) < 3.5
    assert 84 < mean(measured("hard", "unchanged_accuracy")) < 85
    runs = [run for run in results.load("mix")["runs"] if run["kind"] == "hard"]
    long = [run for run in runs if (run["epochs"], run["changes"]) == (60, "crop, flip")]
    for run in long:
        confidence, accuracy, _ = run["bins"][-1]
        assert 0.945 < confidence < 0.955 and 0.78 < accuracy < 0.82
        assert all(b[1] < b[0] for b in run["bins"] if b and b[2] >= 20)


def test_after_60_epochs_only_cutmix_changes_the_accuracy():
    found = {kind: mean(measured(kind)) for kind in mixing.KINDS}
    cutmix = found.pop("CutMix 1")
    assert all(47.95 < value < 48.75 for value in found.values())
    widest = max(max(measured(kind)) - min(measured(kind)) for kind in found)
    assert max(found.values()) - min(found.values()) < widest
    assert 1.3 < found["hard"] - cutmix < 1.7


def test_after_15_epochs_strong_mixing_costs_accuracy():
    found = {kind: mean(measured(kind, epochs=15)) for kind in mixing.KINDS}
    costs = {kind: found["hard"] - value for kind, value in found.items()}
    assert 1.9 < costs["MixUp 1"] < 2.4 and 4 < costs["CutMix 1"] < 5
    assert costs["smoothing"] < 0.6 and costs["MixUp 0.2"] < 0.6


def test_soft_labels_make_the_confidence_better():
    errors = {kind: mean(measured(kind, "calibration_error")) for kind in mixing.KINDS}
    assert 5 < errors["smoothing"] < 6.5 and 5 < errors["MixUp 0.2"] < 6.5
    assert errors["MixUp 1"] < 3
    assert mean(measured("MixUp 1", "confidence")) == pytest.approx(48.4, abs=0.5)
    assert mean(measured("MixUp 1")) == pytest.approx(48.0, abs=0.5)
    for sure, right in zip(measured("CutMix 1", "confidence"), measured("CutMix 1"), strict=True):
        assert sure < right - 2


def test_one_temperature_mends_the_confidence_of_hard_labels():
    wanted = {"kind": "hard", "epochs": 60, "changes": "crop, flip"}
    runs = [run for run in results.load("mix")["runs"] if wanted.items() <= run.items()]
    assert len(runs) == 3
    before, after = ([100 * run["rest_errors"][k] for run in runs] for k in (0, 1))
    assert 13.5 < mean(before) < 14.5 and 1.5 < mean(after) < 2.5
    for kind in ("smoothing", "MixUp 0.2"):
        assert max(after) < min(measured(kind, "calibration_error"))


def test_after_15_epochs_a_teacher_brings_nothing():
    hard, taught = (measured(k, "test_accuracy", epochs=15) for k in ("hard", mixing.TAUGHT))
    widest = max(max(values) - min(values) for values in (hard, taught))
    assert abs(mean(taught) - mean(hard)) < widest
    ready, sample = shipped(), data.load("sample")
    right = ready.probabilities(sample.test_images).argmax(1) == sample.test_labels
    assert 0.9 <= right.double().mean() < 0.91
    teacher, student = (
        sum(weight.numel() for weight in model.parameters())
        for model in (ready.model, augmented.make(16))
    )
    assert 3.8 < teacher / student < 4


def test_with_cutmix_the_training_accuracy_is_below_the_validation_accuracy():
    training = measured("CutMix 1", "train_accuracy")[:, -1].mean()
    validation = measured("CutMix 1", "validation_accuracies")[:, -1].mean()
    assert 41.5 < training < 42.5 and 44.5 < validation < 45.5
    assert 63 < mean(measured("CutMix 1", "unchanged_accuracy")) < 64


def test_without_crop_and_flip_cutmix_brings_accuracy():
    def none(kind, name="others_accuracy"):
        return mean(measured(kind, name, changes="none"))

    kinds = mixing.UNCHANGED
    assert all(none(kind, "unchanged_accuracy") > 99.9 for kind in kinds)
    hard, mixup, cutmix = (none(kind) for kind in kinds)
    assert 34 < hard < 34.5 and 0.7 < hard - mixup < 1.2 and 2.8 < cutmix - hard < 3.3
    errors = [none(kind, "calibration_error") for kind in kinds]
    assert errors == pytest.approx([35, 14, 10], abs=0.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: mix.sample_lambda(0.5),
        lambda: mix.draw_box(40, 40, lam=0.5),
        lambda: mix.random_mix(IMAGES, mixup=1.0).lam,
    ],
)
def test_without_a_generator_pytorch_s_own_seed_repeats_the_draws(draw):
    torch.manual_seed(3)
    first, second = draw(), draw()
    torch.manual_seed(3)
    assert draw() == first != second


def test_a_corner_that_is_true_or_false_is_refused():
    images, partners = torch.zeros(2, 1, 2, 2), torch.tensor([1, 0])
    with pytest.raises(TypeError, match="box must be 4 whole numbers"):
        mix.cutmix(images, box=(False, True, False, True), permutation=partners)
    with pytest.raises(TypeError, match="centre must be 2 whole numbers"):
        mix.cutmix_box(2, 2, lam=0.5, centre=(True, 1))

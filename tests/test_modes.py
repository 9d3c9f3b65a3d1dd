import pytest
import torch
from torch import nn

from cnnguide import models
from cnnguide.cam import grad_cam
from cnnguide.modes import evaluating
from cnnguide.receptive import effective_receptive_field
from cnnguide.train import evaluate
from cnnguide.transfer import cached_features

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0])


def partly_frozen():
    """A model in training mode, whose BatchNorm its owner has frozen."""
    model = nn.Sequential(
        nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5)
    )
    model.train()[1].eval()
    return model


def with_scores():
    return nn.Sequential(partly_frozen(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def modes(model):
    return [module.training for module in model.modules()]


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (with_scores, lambda model: evaluate(model, [(IMAGES, LABELS)])),
        (with_scores, lambda model: grad_cam(model, model[0][0], IMAGES, LABELS)),
        (
            partly_frozen,
            lambda model: effective_receptive_field(model, (3, 8, 8), generator=torch.Generator()),
        ),
        (with_scores, lambda model: models.count_multiply_adds(model, (3, 8, 8))),
        (with_scores, lambda model: cached_features(model, [IMAGES])),
    ],
    ids=["evaluate", "grad_cam", "effective_receptive_field", "multiply_adds", "cached_features"],
)
def test_whoever_evaluates_puts_every_layers_mode_back(make, use):
    model = make()
    before = modes(model)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    use(model)
    assert modes(model) == before and True in before and False in before
    torch.testing.assert_close(dict(model.state_dict()), state, rtol=0, atol=0)


def test_modes_are_put_back_after_an_error():
    model = partly_frozen()
    before = modes(model)
    with evaluating(model):
        assert not any(modes(model))
    with pytest.raises(RuntimeError, match="expected input"), evaluating(model):
        model(IMAGES[:, :2])
    assert modes(model) == before

import copy

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from cnnguide import cam, data, trained
from cnnguide.cam import ClassMaps, grad_cam
from cnnguide.models import cifar_resnet10


def tiny_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
    )


def test_grad_cam_finds_the_only_evidence():
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net[0].weight.data = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 1, 2], image[0, 0, 3, 3] = 2.0, -1.0
    plus, minus = (cam.grad_cam(net, net[0], image, torch.tensor([c]))[0] for c in (0, 1))
    assert plus.argmax() == 6 and plus.max() == 1
    assert minus.argmax() == 15 and minus[1, 2] == 0


def test_grad_cam_equals_its_formula():
    net = tiny_net().eval()
    x, classes = torch.randn(3, 3, 32, 32), torch.tensor([1, 4, 4])
    maps = net[0](x).detach().requires_grad_()
    scores = net[4](net[3](net[2](net[1](maps))))
    (gradient,) = torch.autograd.grad(scores.gather(1, classes[:, None]).sum(), maps)
    heat = F.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))
    heat = F.interpolate(heat, (32, 32), mode="bilinear")[:, 0].detach()
    expected = heat / heat.amax((1, 2), keepdim=True)
    assert_close(cam.grad_cam(net, net[0], x, classes), expected)


def test_grad_cam_leaves_the_network_as_it_was():
    net = tiny_net().train()
    cam.grad_cam(net, net[0], torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))
    assert net.training and net[1].num_batches_tracked == 0
    assert all(p.grad is None for p in net.parameters()) and not net[0]._forward_hooks


def test_grad_cam_refuses_a_layer_without_maps(unchecked):
    net, x = tiny_net(), torch.randn(2, 3, 32, 32)
    with pytest.raises(ValueError, match=r"give feature maps of shape \(N, K, h, w\)"):
        cam.grad_cam(net, net[4], x, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"give feature maps"):
        cam.grad_cam(net, nn.Identity(), x, torch.tensor([0, 1]))
    with pytest.raises(
        ValueError, match=r"labels must have shape \(2,\), one per image, got \(1,\)"
    ):
        unchecked(cam.grad_cam)(net, net[0], x, torch.tensor([0]))


@pytest.fixture(scope="module")
def vgg():
    """VGG-11, whose ReLUs write over what their layers gave, and a twin whose ReLUs do not."""
    torch.manual_seed(0)
    net = torchvision.models.vgg11(num_classes=10).eval()
    twin = copy.deepcopy(net)
    for module in twin.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return net, twin, torch.randn(2, 3, 32, 32), torch.tensor([1, 4])


def test_grad_cam_shows_the_layer_that_was_named_though_relu_writes_over_it(vgg):
    net, twin, x, classes = vgg
    maps = [cam.grad_cam(net, net.features[k], x, classes) for k in range(4)]
    for k in range(4):
        assert_close(maps[k], cam.grad_cam(twin, twin.features[k], x, classes), rtol=0, atol=0)
    assert (maps[0] - maps[1]).abs().max() > 0.01


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_grad_cam_finds_its_gradient_where_there_is_none(vgg, mode):
    net, _, x, classes = vgg
    expected = cam.grad_cam(net, net.features[3], x, classes)
    with mode():
        found = cam.grad_cam(net, net.features[3], x.clone(), classes.clone())
    assert_close(found, expected, rtol=0, atol=0)


def test_grad_cam_refuses_a_class_that_does_not_exist(vgg):
    net, _, x, _ = vgg
    with pytest.raises(ValueError, match=r"labels for 10 classes must lie from 0 to 9, got 10"):
        cam.grad_cam(net, net.features[0], x, torch.tensor([1, 10]))


class Aside(nn.Module):
    """A network that runs a layer, and does not use what comes out."""

    def __init__(self, mode):
        super().__init__()
        self.layer, self.head, self.mode = nn.Conv2d(3, 4, 1), nn.Linear(3, 2), mode

    def forward(self, x):
        with self.mode():
            self.layer(x)
            return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_grad_cam_refuses_a_layer_on_which_no_score_depends(mode):
    net = Aside(mode)
    with pytest.raises(ValueError, match="the scores must depend on the layer's maps, got no grad"):
        cam.grad_cam(net, net.layer, torch.zeros(1, 3, 4, 4), torch.tensor([1]))


@pytest.fixture(scope="module")
def sample():
    return data.load("sample")


@pytest.fixture(scope="module")
def model():
    return trained.load_demo()


def test_its_scores_are_the_models_and_the_means_of_its_maps(model, sample):
    images = sample.test_images[::100]
    with torch.no_grad():
        looked = ClassMaps(model)(images / 255)
        assert_close(looked.scores, model(data.normalise(images)), atol=1e-4, rtol=1e-4)
    assert_close(looked.maps.mean((2, 3)), looked.scores)
    assert looked.first.shape == (10, 32, 32, 32)


def test_its_maps_are_grad_cam_but_for_the_bias(model, sample):
    images = sample.test_images[::100]
    labels = sample.test_labels[::100]
    heat = grad_cam(model, model.layer3, data.normalise(images), labels)
    with torch.no_grad():
        maps = ClassMaps(model)(images / 255).maps
    own = maps[torch.arange(10), labels] - model.fc.bias[labels][:, None, None]
    own = F.interpolate(own.relu()[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0]
    assert_close(own / own.amax((1, 2), keepdim=True), heat, atol=1e-4, rtol=1e-3)


class TwoViews(nn.Module):
    """A network that looks at each image and at its mirror image at once."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 10)

    def forward(self, x):
        maps = self.conv(torch.cat([x, x.flip(3)])).mean((2, 3))
        return self.fc(maps[: len(x)] + maps[len(x) :])


class WholeNumbers(nn.Module):
    """A layer whose maps have no slope."""

    def forward(self, x):
        return (9 * x).long()


def test_maps_that_are_not_one_an_image_are_refused():
    net, images = TwoViews(), torch.rand(2, 3, 8, 8)
    with pytest.raises(
        ValueError, match=r"the layer must give feature maps of shape \(N, K, h, w\)"
    ):
        grad_cam(net, net.conv, images, torch.tensor([0, 1]))


def test_maps_of_whole_numbers_are_refused():
    net = nn.Sequential(WholeNumbers(), nn.Flatten())
    with pytest.raises(ValueError, match="the layer must give feature maps"):
        grad_cam(net, net[0], torch.rand(2, 3, 2, 2), torch.tensor([0, 1]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_class_maps_compute_in_the_numbers_of_their_network(dtype):
    torch.manual_seed(0)
    model = cifar_resnet10(width=4).eval()
    images = torch.rand(2, 3, 32, 32)
    expected = ClassMaps(model)(images).scores
    got = ClassMaps(copy.deepcopy(model).to(dtype))(images.to(dtype)).scores
    assert got.dtype == dtype
    assert_close(got.float(), expected, rtol=0.05, atol=0.05)

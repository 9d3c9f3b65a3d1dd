import pytest
import torch
import torchvision
from torch.testing import assert_close

from cnnguide.models import AlexNet, count_parameters


def test_torchvisions_weights_load_and_give_the_same_outputs_and_gradients():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(num_classes=10).eval()
    ours = AlexNet(num_classes=10).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 70, 70)
    results = []
    for net in (ours, theirs):
        image = x.clone().requires_grad_()
        scores = net(image)
        results.append([scores, *torch.autograd.grad(scores.sum(), [image, *net.parameters()])])
    assert_close(*results)


def test_it_drops_in_training_mode_like_torchvisions():
    theirs, ours = torchvision.models.alexnet(num_classes=3), AlexNet(num_classes=3)
    ours.load_state_dict(theirs.state_dict())
    x, outputs = torch.randn(2, 3, 70, 70), []
    for net in (ours, theirs):
        torch.manual_seed(1)
        outputs.append(net.train()(x))
    assert_close(*outputs)


def test_it_has_torchvisions_61_million_parameters():
    with torch.device("meta"):
        assert count_parameters(AlexNet()) == 61_100_840


def test_an_image_of_224_pixels_is_55_after_the_first_layer():
    with torch.device("meta"):
        assert AlexNet().features[0](torch.zeros(1, 3, 224, 224)).shape == (1, 64, 55, 55)


@pytest.mark.parametrize("shape", [(1, 1, 224, 224), (1, 3, 62, 224), (3, 224, 224)])
def test_another_input_is_refused(shape):
    with torch.device("meta"):
        net = AlexNet()
        with pytest.raises(ValueError, match=r"shape \(N, 3, H, W\) with sides from 63 on, got"):
            net(torch.zeros(shape))


def test_the_smallest_image_passes():
    with torch.device("meta"):
        assert AlexNet()(torch.zeros(1, 3, 63, 63)).shape == (1, 1000)


def test_a_network_without_classes_is_refused():
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        AlexNet(num_classes=0)

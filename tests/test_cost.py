import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnnguide import models
from cnnguide.models import cost


@pytest.mark.parametrize(
    ("make", "shape", "millions"),
    [
        (lambda: models.LeNet5(in_channels=3), (3, 32, 32), 0.652),
        (models.AlexNet, (3, 224, 224), 714),
        (models.vgg16, (3, 224, 224), 15_470),
        (models.vgg19, (3, 224, 224), 19_632),
        (models.resnet18, (3, 224, 224), 1814),
        (models.cifar_resnet18, (3, 32, 32), 555.4),
        (torchvision.models.mobilenet_v2, (3, 224, 224), 301),
    ],
    ids=["lenet", "alexnet", "vgg16", "vgg19", "resnet18", "cifar_resnet18", "mobilenet_v2"],
)
def test_networks_cost_what_is_known(make, shape, millions):
    with torch.device("meta"):
        net = make()
    assert models.count_multiply_adds(net, shape) / 1e6 == pytest.approx(millions, rel=0.01)


def test_multiply_adds_by_hand():
    net = nn.Sequential(
        nn.Conv2d(4, 6, 3, groups=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 25, 7)
    )
    assert models.count_multiply_adds(net, (4, 5, 5)) == 6 * 2 * 9 * 25 + 150 * 7


def test_counting_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    net[0].eval()
    models.count_multiply_adds(net, (1, 3, 3))
    assert not net[0].training and net[1].training
    assert net[1].num_batches_tracked == 0 and not net[0]._forward_hooks


def test_parameters_count_the_frozen_and_not_the_buffers():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    net.requires_grad_(False)
    assert models.count_parameters(net) == 6 + 3 + 6


def test_an_image_has_three_sizes():
    with pytest.raises(
        ValueError, match=r"one image must have shape \(C, H, W\), got \(1, 3, 8, 8\)"
    ):
        models.count_multiply_adds(nn.Conv2d(3, 1, 1), (1, 3, 8, 8))


def count_by_hooks(model, shape):
    """Count as the textbook does: the weights of a layer at every place of its output."""
    counts = []

    def count(layer, inputs, output):
        if isinstance(layer, nn.Conv2d):
            counts.append(layer.weight.numel() * output.shape[2:].numel())
        elif isinstance(layer, nn.Linear):
            counts.append(layer.weight.numel())

    hooks = [module.register_forward_hook(count) for module in model.modules()]
    model.eval()(torch.zeros(1, *shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return sum(counts)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: models.LeNet5(in_channels=3), (3, 32, 32)),
        (models.AlexNet, (3, 224, 224)),
        (models.vgg16_bn, (3, 224, 224)),
        (models.resnet50, (3, 224, 224)),
        (models.QuickNet, (3, 32, 32)),
        (torchvision.models.mobilenet_v2, (3, 224, 224)),
    ],
    ids=["lenet", "alexnet", "vgg16_bn", "resnet50", "quick", "mobilenet_v2"],
)
def test_pytorchs_counter_gives_the_textbooks_count(make, shape):
    with torch.device("meta"):
        model = make()
    assert models.count_multiply_adds(model, shape) == count_by_hooks(model, shape)


def test_a_linear_layer_over_tokens_counts_once_for_each():
    tokens = nn.Sequential(nn.Flatten(2), nn.Linear(16, 5, bias=False))  # 3 tokens of 16
    assert models.count_multiply_adds(tokens, (3, 4, 4)) == 3 * 16 * 5


def test_a_transposed_convolution_counts_its_weights_at_every_place_of_its_input():
    layer = nn.ConvTranspose2d(3, 8, 2, stride=2, bias=False)
    assert models.count_multiply_adds(layer, (3, 5, 5)) == 3 * 8 * 2 * 2 * 5 * 5


def test_attention_is_counted_with_its_products():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            tokens = x.flatten(2).transpose(1, 2)  # N tokens 8
            return self.attention(tokens, tokens, tokens, need_weights=False)[0]

    # queries, keys, values and output: 4 matrices of 8 x 8 for 6 tokens; then scores and sums
    assert models.count_multiply_adds(Attention(), (8, 2, 3)) == 4 * 64 * 6 + 2 * 6 * 6 * 8
    assert torch.backends.mha.get_fastpath_enabled()


class OverRows(nn.Module):
    """Rows of one channel as steps, or as vectors, for a layer or a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):  # N 1 steps features
        return self.function(x[:, 0])


class OverTwice(OverRows):
    """The same rows twice."""

    def forward(self, x):
        return self.function(x[:, 0], x[:, 0])


RECURRENT = [
    (lambda **a: nn.LSTM(4, 5, **a), 4 * 5 * (4 + 5)),  # four gates of the input and the state
    (lambda **a: nn.LSTM(4, 5, num_layers=2, **a), 4 * 5 * (4 + 5) + 4 * 5 * (5 + 5)),
    (lambda **a: nn.LSTM(4, 5, bidirectional=True, bias=False, **a), 2 * 4 * 5 * (4 + 5)),
    (lambda **a: nn.GRU(4, 5, **a), 3 * 5 * (4 + 5)),
    (lambda **a: nn.RNN(4, 5, **a), 5 * (4 + 5)),
]


@pytest.mark.parametrize(("make", "at_a_step"), RECURRENT)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_recurrent_layer_counts_its_weights_at_every_step(make, at_a_step, device):
    with torch.device(device):
        layer = OverRows(make(batch_first=True))
    assert models.count_multiply_adds(layer, (1, 3, 4)) == 3 * at_a_step


def test_the_kernel_of_a_gpu_counts_the_matrices_among_its_weights():
    weights = [weight.shape for weight in nn.LSTM(4, 5).parameters()]  # two matrices, two biases
    steps = torch.Size([3, 1, 4])
    assert cost.of_cudnn(steps, weights, 4, None, out_shape=None) == 2 * 3 * 4 * 5 * (4 + 5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("make", "at_a_step"), RECURRENT)
def test_a_recurrent_layer_counts_the_same_on_a_gpu(make, at_a_step):
    layer = OverRows(make(batch_first=True)).cuda()
    assert models.count_multiply_adds(layer, (1, 3, 4)) == 3 * at_a_step


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x: x[0] @ x[0, 0], 3 * 4),
        (lambda x: torch.addmv(x[0, :, 0], x[0], x[0, 0]), 3 * 4),
        (lambda x: x[0, 0] @ x[0, 1], 4),
        (lambda x: torch.vdot(x[0, 0], x[0, 1]), 4),
        (lambda x: torch.addbmm(x.new_zeros(3, 3), x, x.mT), 3 * 3 * 4),
        (lambda x: x.new_zeros(3, 3).addbmm_(x, x.mT), 3 * 3 * 4),
        (lambda x: x.new_zeros(3, 3).addmm_(x[0], x[0].T), 3 * 3 * 4),
        (lambda x: x.new_zeros(3).addmv_(x[0], x[0, 0]), 3 * 4),
        (lambda x: torch.einsum("nij,nkj->nik", x, x), 3 * 3 * 4),
    ],
)
def test_products_with_a_vector_are_counted(function, count):
    assert models.count_multiply_adds(OverRows(function), (1, 3, 4)) == count


@pytest.mark.parametrize(
    ("make", "rows", "message"),
    [
        (lambda: OverTwice(nn.Bilinear(4, 4, 6)), 3, "got the three-way products of nn.Bilinear;"),
        (lambda: OverTwice(torch.cdist), 3, "got distances; convolutions"),
        (lambda: OverTwice(torch.cdist), 40, "got distances; convolutions"),
        (lambda: OverRows(lambda x: F.pdist(x[0])), 3, "got distances; convolutions"),
        (lambda: OverRows(lambda x: torch.sparse.mm(x[0].to_sparse(), x[0].T)), 3, "got a product"),
    ],
)
def test_products_that_cannot_be_counted_are_refused(make, rows, message):
    with pytest.raises(ValueError, match=message):
        models.count_multiply_adds(make(), (1, rows, 4))


def test_a_layer_of_a_transformer_counts_attention_and_its_two_linear_layers():
    layer = OverRows(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
    attention = 4 * 8 * 8 * 3 + 2 * 3 * 3 * 8  # as above
    assert models.count_multiply_adds(layer, (1, 3, 8)) == attention + 2 * 8 * 16 * 3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_a_network_of_other_numbers_costs_the_same(dtype):
    layer = nn.Conv2d(3, 16, 3).to(dtype)
    assert models.count_multiply_adds(layer, (3, 12, 12)) == 43200

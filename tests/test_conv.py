import jaxtyping
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from cnnguide import conv

WAYS = [conv.conv2d_loops, conv.conv2d_windows, conv.conv2d_matmul, conv.conv2d_library]
SETTINGS = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"dilation": 2},
    {"groups": 2},
    {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)},
    {"stride": 3, "padding": 2, "dilation": 2, "groups": 4},
]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def inputs(groups=1, *, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 4, 7, 8), (8, 4 // groups, 3, 2), (8,)]
    return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 2), (5, 7)])
def test_correlate_is_the_library_on_one_plane(kernel):
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    weight = torch.randn(kernel, generator=generator, dtype=torch.float64)
    expected = F.conv2d(image[None, None], weight[None, None])[0, 0]
    assert_close(conv.correlate(image, weight), expected)


def test_correlate_passes_the_gradient_on():
    image = torch.rand(4, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conv.correlate, (image, weight))


def test_correlate_keeps_the_dtype():
    assert conv.correlate(torch.ones(3, 3).double(), torch.ones(2, 2).double()).dtype == (
        torch.float64
    )


def test_correlate_refuses_a_batch(unchecked):
    with pytest.raises(ValueError, match=r"shape \(height, width\), got \(1, 4, 4\) and \(2, 2\)"):
        unchecked(conv.correlate)(torch.zeros(1, 4, 4), torch.zeros(2, 2))


@pytest.mark.parametrize("side", [4, 5])
def test_correlate_refuses_a_kernel_that_does_not_fit(side):
    with pytest.raises(ValueError, match=f"spans {side} pixels and the padded image only 3"):
        conv.correlate(torch.zeros(3, 3), torch.zeros(side, side))


def test_the_sizes_of_the_drawing_of_stride_padding_and_dilation():
    # the alternative text of the drawing of a 3 × 3 kernel on 5 × 5 pixels
    settings = ({}, {"padding": 1}, {"stride": 2}, {"dilation": 2})
    assert [conv.output_size(5, 3, **setting) for setting in settings] == [3, 5, 2, 1]


def test_the_sizes_of_the_figure_of_seven_pixels():
    settings = (
        (3, {}),
        (3, {"padding": 1}),
        (5, {}),
        (3, {"stride": 2}),
        (3, {"stride": 2, "padding": 1}),
        (3, {"dilation": 2}),
    )
    sizes = [conv.output_size(7, kernel, **setting) for kernel, setting in settings]
    assert sizes == [5, 7, 3, 3, 4, 3]


@ways
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_way_equals_pytorch_in_value_and_gradient(way, settings):
    tensors = inputs(settings.get("groups", 1))
    ours, theirs = way(*tensors, **settings), F.conv2d(*tensors, **settings)
    assert_close(ours, theirs)
    probe = torch.randn(theirs.shape, dtype=theirs.dtype)
    assert_close(
        torch.autograd.grad(ours, tensors, probe), torch.autograd.grad(theirs, tensors, probe)
    )


@ways
def test_a_bias_may_be_left_out(way):
    image, weight, _ = inputs()
    assert_close(way(image, weight), F.conv2d(image, weight))


@ways
@pytest.mark.parametrize("groups", [1, 2])
def test_an_empty_batch_gives_an_empty_result(way, groups):
    image, weight, bias = inputs(groups)
    assert way(image[:0], weight, bias, groups=groups).shape == (0, 8, 5, 7)


@ways
def test_an_image_that_is_a_view_is_read_right(way):
    image, weight, _ = inputs()
    assert_close(way(image.flip(2)[:, :, 1:], weight), F.conv2d(image.flip(2)[:, :, 1:], weight))
    turned = image.transpose(2, 3)
    assert_close(way(turned, weight), F.conv2d(turned, weight))


@ways
def test_the_result_keeps_the_dtype(way):
    image, weight, bias = inputs(dtype=torch.float32)
    assert way(image, weight, bias).dtype == torch.float32


@ways
def test_a_convolution_is_linear(way):
    image, weight, _ = inputs()
    assert_close(way(3 * image + 1, weight), 3 * way(image, weight) + way(image * 0 + 1, weight))


@ways
def test_the_kernel_is_not_flipped(way):
    image = torch.tensor([[[[1.0, 2.0, 4.0]]]])
    weight = torch.tensor([[[[1.0, 10.0]]]])
    assert way(image, weight).flatten().tolist() == [21.0, 42.0]


@ways
@pytest.mark.parametrize(
    ("image", "weight", "settings", "error", "message"),
    [
        ((1, 3, 5), (1, 3, 3, 3), {}, ValueError, r"shape \(N, C, H, W\), got \(1, 3, 5\)"),
        (
            (1, 3, 5, 5),
            (3, 3, 3),
            {},
            ValueError,
            r"weight must have shape \(out, in / groups, h, w\)",
        ),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"groups": 2}, ValueError, "got groups=2 for 3 and 4"),
        ((1, 4, 5, 5), (3, 2, 3, 3), {"groups": 2}, ValueError, "got groups=2 for 4 and 3"),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"groups": 0}, ValueError, "got groups=0"),
        ((1, 3, 5, 5), (1, 1, 3, 3), {}, ValueError, "must have 3 input channels, got 1"),
        ((1, 1, 3, 3), (1, 1, 5, 5), {}, ValueError, "spans 5 pixels and the padded image only 3"),
        ((1, 1, 3, 3), (1, 1, 7, 7), {"padding": 1}, ValueError, "padded image only 5"),
        ((1, 0, 5, 5), (1, 0, 3, 3), {}, ValueError, "got 0 in and 1 out"),
        ((1, 1, 5, 5), (0, 1, 3, 3), {}, ValueError, "got 1 in and 0 out"),
        ((1, 1, 5, 5), (1, 1, 3, 3), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        (
            (1, 1, 5, 5),
            (1, 1, 3, 3),
            {"padding": -1},
            ValueError,
            "padding must be at least 0, got -1",
        ),
        (
            (1, 1, 5, 5),
            (1, 1, 3, 3),
            {"dilation": 0},
            ValueError,
            "dilation must be at least 1, got 0",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(way, image, weight, settings, error, message, unchecked):
    with pytest.raises(error, match=message):
        unchecked(way)(torch.zeros(image), torch.zeros(weight), **settings)


@ways
def test_bytes_are_refused(way, unchecked):
    with pytest.raises(TypeError, match=r"floats, got torch.uint8; data.to_float turns"):
        unchecked(way)(torch.zeros(1, 1, 3, 3, dtype=torch.uint8), torch.zeros(1, 1, 3, 3))


@ways
def test_two_dtypes_are_refused(way):
    with pytest.raises(TypeError, match="share a dtype, got torch.float32 and torch.float64"):
        way(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3, dtype=torch.float64))


@ways
def test_a_bias_of_another_dtype_is_refused(way):
    image, weight, bias = inputs(dtype=torch.float32)
    with pytest.raises(TypeError, match="image and bias must share a dtype, got torch.float32 and"):
        way(image, weight, bias.double())


@pytest.fixture
def without_checker():
    """Switch the tests' type checker off, inside the library too."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


SETTINGS = ("stride", "padding", "dilation")
WRONG = [(name, value) for name in SETTINGS for value in (1.5, (1, 1, 1), "same", [1, 1])]


@ways
@pytest.mark.parametrize(
    ("name", "value"), [pair for pair in WRONG if pair != ("padding", "same")], ids=str
)
def test_a_setting_is_a_whole_number_or_a_pair(way, name, value, without_checker):
    with pytest.raises(TypeError, match=f"{name} must be a whole number or a pair.*got ") as error:
        way(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 3, 3), **{name: value})
    assert str(error.value).endswith(f"got {value!r}")


@ways
def test_a_bias_of_another_length_is_refused(way, unchecked):
    with pytest.raises(ValueError, match=r"a number for each output channel, \(2,\), got \(3,\)"):
        unchecked(way)(torch.zeros(1, 1, 3, 3), torch.zeros(2, 1, 3, 3), torch.zeros(3))


@pytest.mark.parametrize("size", range(3, 12))
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_output_size_is_pytorchs(size, stride, padding, dilation):
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    if dilation * 2 + 1 > size + 2 * padding:
        with pytest.raises(ValueError, match="smaller kernel or more padding"):
            conv.output_size(size, 3, **settings)
        return
    expected = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, 3), **settings).shape[-1]
    assert conv.output_size(size, 3, **settings) == expected


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_same_padding_keeps_the_side(kernel):
    assert conv.output_size(9, kernel, padding=kernel // 2) == 9


def test_windows_share_the_images_memory():
    image = torch.zeros(1, 1, 4, 4)
    conv.windows(image, 3)[0, 0, 0, 0, 0, 0] = 7
    assert image[0, 0, 0, 0] == 7


def test_windows_equal_unfold():
    image = torch.rand(2, 3, 7, 9)
    expected = image.unfold(2, 3, 2).unfold(3, 2, 1)
    assert torch.equal(conv.windows(image, (3, 2), stride=(2, 1)), expected)


def test_windows_refuse_what_is_no_batch(unchecked):
    with pytest.raises(ValueError, match=r"shape \(N, C, H, W\), got \(4, 4\)"):
        unchecked(conv.windows)(torch.zeros(4, 4), 2)


@pytest.mark.parametrize(
    ("name", "striped"), [("horizontal edges", 2), ("sobel y", 2), ("vertical edges", 3)]
)
def test_an_edge_kernel_sees_its_own_direction_only(name, striped):
    image = torch.zeros(1, 1, 6, 6)
    image.narrow(striped, 3, 3).fill_(1)
    assert conv.apply_kernel(image, conv.KERNELS[name]).abs().max() >= 3
    across = conv.apply_kernel(image.transpose(2, 3), conv.KERNELS[name])
    assert across.abs().max() == 0


@pytest.mark.parametrize(
    ("name", "axis"),
    [("horizontal edges", 2), ("sobel y", 2), ("vertical edges", 3), ("sobel x", 3)],
)
def test_edge_kernels_are_positive_where_the_image_gets_brighter(name, axis):
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    image = ramp.transpose(2, 3) if axis == 2 else ramp
    assert conv.apply_kernel(image, conv.KERNELS[name])[0, 0, 2, 2] > 0


def test_the_response_has_the_sign_of_the_edge():
    image = torch.tensor([0.0, 0, 0, 1, 1, 1]).view(1, 1, 6, 1).expand(1, 1, 6, 6)
    response = conv.apply_kernel(image, conv.KERNELS["sobel y"])
    assert response.max() == 4 and response.min() == 0
    assert conv.apply_kernel(image.flip(2), conv.KERNELS["sobel y"]).min() == -4


@pytest.mark.parametrize("name", ["identity", "sharpen", "blur"])
def test_a_kernel_that_sums_to_one_keeps_a_flat_image(name):
    flat = torch.full((1, 3, 4, 4), 0.5)
    assert_close(conv.apply_kernel(flat, conv.KERNELS[name]), flat)


def test_the_identity_kernel_changes_nothing():
    image = torch.rand(2, 3, 5, 4)
    assert torch.equal(conv.apply_kernel(image, conv.KERNELS["identity"]), image)


@pytest.mark.parametrize("name", ["blur", "emboss", "sobel x", "sharpen"])
def test_a_kernel_acts_on_each_channel_alone(name):
    image = torch.rand(1, 2, 6, 6)
    inner = F.conv2d(image[:, 1:], conv.KERNELS[name][None, None])
    assert_close(conv.apply_kernel(image, conv.KERNELS[name])[:, 1:, 1:-1, 1:-1], inner)


def test_the_edge_kernels_are_turns_and_mirror_images_of_one_another():
    kernels = conv.KERNELS
    assert torch.equal(kernels["vertical edges"], kernels["horizontal edges"].T)
    assert torch.equal(kernels["sobel x"], kernels["sobel y"].T)
    for name in ("vertical edges", "sobel x"):
        assert torch.equal(kernels[name], -kernels[name].flip(1))


def test_a_larger_kernel_keeps_the_size_too():
    image = torch.rand(1, 1, 9, 9)
    out = conv.apply_kernel(image, torch.full((5, 7), 1 / 35))
    assert out.shape == image.shape
    assert_close(out[0, 0, 4, 4], image[0, 0, 2:7, 1:8].mean())


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match=r"two odd sides, got \(2, 3\)"):
        conv.apply_kernel(torch.zeros(1, 1, 4, 4), torch.zeros(2, 3))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_what_pytorch_allocates(groups, bias):
    layer = nn.Conv2d(4, 8, (3, 2), groups=groups, bias=bias)
    expected = sum(p.numel() for p in layer.parameters())
    assert conv.conv_parameters(4, 8, (3, 2), groups=groups, bias=bias) == expected


def test_multiply_adds_by_hand():
    # 16 kernels of 3 × 3 × 3 weights at 10 × 10 places
    assert conv.conv_multiply_adds(3, 16, 3, output_size=(10, 10)) == 16 * 27 * 100
    assert conv.conv_multiply_adds(4, 4, 3, output_size=(2, 3), groups=4) == 4 * 9 * 6


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((3, 16, 3), {"groups": 2}, "got groups=2 for 3 and 16"),
        ((0, 16, 3), {}, "channels and groups must be at least 1, got 0, 16 and 1"),
        ((3, 16, 0), {}, "kernel_size must be at least 1, got 0"),
    ],
)
def test_counts_refuse_what_is_no_layer(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        conv.conv_parameters(*arguments, **settings)


def test_multiply_adds_need_an_output():
    with pytest.raises(ValueError, match="output's side must be at least 1"):
        conv.conv_multiply_adds(3, 4, 3, output_size=(0, 5))


def test_a_separable_convolution_is_its_two_halves():
    layer = conv.DepthwiseSeparableConv2d(3, 5, 3, stride=2, padding=1).double()
    image = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    middle = F.conv2d(
        image, layer.depthwise.weight, layer.depthwise.bias, stride=2, padding=1, groups=3
    )
    expected = torch.einsum("nchw,oc->nohw", middle, layer.pointwise.weight[:, :, 0, 0])
    assert_close(layer(image), expected + layer.pointwise.bias.view(-1, 1, 1))


def test_a_separable_convolution_has_as_many_parameters_as_its_halves():
    layer = conv.DepthwiseSeparableConv2d(3, 16, 3)
    halves = conv.conv_parameters(3, 3, 3, groups=3), conv.conv_parameters(3, 16, 1)
    assert sum(p.numel() for p in layer.parameters()) == sum(halves) == 94


SAME = [((3, 3), 1), ((3, 5), (2, 3)), ((2, 4), 1), ((2, 3), (3, 1)), ((1, 1), 2)]


@pytest.mark.parametrize("name", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "dilation"), SAME)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_padding_has_pytorch_s_names_too(way, kernel, dilation, name):
    torch.manual_seed(0)
    image = torch.randn(2, 4, 9, 15, dtype=torch.float64)
    weight = torch.randn(6, 2, *kernel, dtype=torch.float64)
    expected = F.conv2d(image, weight, None, 1, name, dilation, 2)
    if name == "same":
        assert expected.shape[2:] == image.shape[2:]
    assert_close(way(image, weight, padding=name, dilation=dilation, groups=2), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"padding": "full"}, "padding must be pixels, 'same' or 'valid', got 'full'"),
        ({"padding": "same", "stride": 2}, "padding='same' must have stride 1, got stride=2"),
    ],
)
def test_a_padding_that_no_name_can_give_is_refused(way, settings, message, unchecked):
    with pytest.raises(ValueError, match=message):
        unchecked(way)(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), **settings)


def test_the_separable_layer_keeps_the_size_when_asked():
    layer = conv.DepthwiseSeparableConv2d(3, 4, 5, padding="same")
    assert tuple(layer(torch.zeros(1, 3, 4, 6)).shape) == (1, 4, 4, 6)
    with pytest.raises(ValueError, match="padding='same' must have stride 1, got stride=2"):
        conv.DepthwiseSeparableConv2d(3, 4, 5, padding="same", stride=2)


@pytest.mark.parametrize("name", [name for name in conv.__all__ if name.startswith("conv2d")])
def test_the_help_of_each_way_says_what_it_takes_and_gives(name):
    text = getattr(conv, name).__doc__
    for word in ("Parameters\n", "Returns\n", "Raises\n", "N C H W", "N O Ho Wo", "stride"):
        assert word in text

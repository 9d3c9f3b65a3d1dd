import pytest
import torch

from cnnguide import augment, conv, data, mix, norm, pool

FLAT = torch.zeros(3, 4)
NOTHING = torch.zeros(0, dtype=torch.int64)
BITS = torch.zeros(0, dtype=torch.bool)


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f(conv.conv2d_loops)(FLAT, torch.zeros(1, 1, 1, 1)),
        lambda f: f(conv.windows)(FLAT, 1),
        lambda f: f(conv.apply_kernel)(FLAT, torch.zeros(1, 1)),
        lambda f: f(pool.max_pool2d)(FLAT, 2),
        lambda f: f(norm.batch_statistics)(FLAT),
        lambda f: f(data.normalise)(FLAT),
        lambda f: f(augment.crop_at)(FLAT, NOTHING, NOTHING, padding=1),
        lambda f: f(augment.flip_where)(FLAT, BITS),
        lambda f: f(augment.cutout_at)(FLAT, NOTHING, NOTHING, side=1),
        lambda f: f(mix.mixup)(FLAT, lam=0.5, permutation=NOTHING),
    ],
    ids=[
        "conv2d_loops",
        "windows",
        "apply_kernel",
        "max_pool2d",
        "batch_statistics",
        "normalise",
        "crop_at",
        "flip_where",
        "cutout_at",
        "mixup",
    ],
)
def test_every_door_refuses_another_number_of_axes_in_one_sentence(call, unchecked):
    with pytest.raises(ValueError, match=r"^images must have shape \(N, C, H, W\), got \(3, 4\)$"):
        call(unchecked)

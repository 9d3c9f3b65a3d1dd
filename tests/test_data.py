import random
import shutil
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from cnnguide import data


@pytest.fixture(scope="module")
def sample():
    return data.load("sample")


def test_the_sample_has_the_same_number_of_every_class(sample):
    assert sample.train_labels.bincount().tolist() == [500] * 10
    assert sample.test_labels.bincount().tolist() == [100] * 10
    assert sample.source == "sample"


def test_the_sample_is_bytes_in_pytorchs_layout(sample):
    assert sample.train_images.shape == (5000, 3, 32, 32)
    assert sample.train_images.dtype == torch.uint8 and sample.train_labels.dtype == torch.int64


def test_an_altered_sample_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "sample"
    shutil.copytree(str(files("cnnguide") / "sample"), folder)
    # Another picture of the right size: the test images in place of half the training ones.
    from PIL import Image

    with Image.open(folder / "train.webp") as mosaic:
        turned = mosaic.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned.save(folder / "train.webp", lossless=True, quality=0, method=0)
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match=r"train\.webp is truncated or altered: its SHA-256 is"):
        data.load("sample")


def test_every_fifth_of_each_digit_is_a_test_image():
    found = data.digits()
    train, test = (y.bincount() for y in (found.train_labels, found.test_labels))
    # the counts that the source gives for the file
    assert (train + test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert torch.equal(test, (train + test) // 5)
    assert len(found) == 1797


def test_the_digits_are_those_of_the_source_in_its_order():
    found = data.digits()
    assert found.train_images.shape[1:] == (1, 8, 8) and found.train_images.dtype == torch.uint8
    assert (found.train_images.min(), found.train_images.max()) == (0, 16)
    # the first rows of the file, and its fifth 0, which is the first test image of a 0
    rows = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0], [0, 3, 15, 2, 0, 11, 8, 0]]
    assert found.train_images[0, 0, :3].tolist() == rows
    everything = torch.cat((found.train_images, found.test_images))
    assert data.find_copies(everything) == []


def test_a_file_of_digits_that_is_cut_is_refused_in_one_sentence(tmp_path, monkeypatch):
    folder = tmp_path / "sample"
    folder.mkdir()
    whole = (files("cnnguide") / "sample" / "digits.csv.gz").read_bytes()
    (folder / "digits.csv.gz").write_bytes(whole[:-100])
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match=r"digits\.csv\.gz is truncated or altered") as refused:
        data.digits()
    assert "\n" not in str(refused.value)


def test_auto_takes_the_sample_when_the_cache_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    assert data.load("auto").source == "sample"


def test_the_full_set_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"not in .*: fetch it with `cnnguide data`"):
        data.load("full")


def test_an_unknown_set_is_refused():
    with pytest.raises(ValueError, match="'sample', 'full' or 'auto', got 'cifar'"):
        data.load("cifar")


def test_the_full_set_has_the_constants_that_the_guide_prints():
    if not data.cached_file().exists():
        pytest.skip("the full CIFAR-10 is not in the cache")
    full = data.load("auto")
    assert full.source == "full" and len(full.train_images) == 50_000
    assert full.train_labels.bincount().tolist() == [5000] * 10
    assert full.test_labels.bincount().tolist() == [1000] * 10
    mean, std = data.channel_statistics(full.train_images)
    rounded = [tuple(round(v, 4) for v in values.tolist()) for values in (mean, std)]
    assert rounded == [data.MEAN, data.STD]
    own = data.per_image_std(full.train_images).tolist()
    assert tuple(round(v, 4) for v in own) == data.PER_IMAGE_STD


def test_the_statistics_are_those_of_all_pixels(sample):
    some = sample.train_images[::10]
    mean, std = data.channel_statistics(some)
    pixels = (some.double() / 255).transpose(0, 1).flatten(1)
    assert_close(mean, pixels.mean(1))
    assert_close(std, pixels.std(1, correction=0))


def test_the_per_image_deviation_is_the_mean_of_each_images_own(sample):
    some = sample.train_images[::100]
    expected = torch.stack([data.to_float(x[None])[0].std((1, 2)) for x in some]).mean(0)
    assert_close(data.per_image_std(some), expected)


def test_normalised_images_have_mean_0_and_deviation_1(sample):
    mean, std = (tuple(v.tolist()) for v in data.channel_statistics(sample.train_images))
    x = data.normalise(sample.train_images, mean=mean, std=std)
    assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    assert_close(x.std((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


def test_bytes_and_floats_are_normalised_alike(sample):
    some = sample.train_images[:5]
    assert_close(data.normalise(some), data.normalise(data.to_float(some)))


def split(labels, validation=0.2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return data.split(torch.arange(len(labels)), labels, validation=validation, generator=generator)


def test_a_split_is_whole_balanced_and_without_overlap(sample):
    train, train_labels, held, held_labels = split(sample.train_labels)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(5000))
    assert held_labels.bincount().tolist() == [100] * 10
    assert torch.equal(sample.train_labels[train], train_labels)
    assert torch.equal(sample.train_labels[held], held_labels)


def test_the_seed_decides_the_split(sample):
    first, again, other = (split(sample.train_labels, seed=s)[2] for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="above 0 and below 1, got"):
        split(torch.tensor([0, 1]), share)


def test_a_share_too_small_for_an_image_is_refused():
    with pytest.raises(ValueError, match=r"0\.01 leaves one side without an image; there are 2"):
        split(torch.tensor([0, 1]), 0.01)


def test_batches_visit_every_image_once_and_keep_the_short_one():
    x = torch.arange(10)
    seen = [b for b, _ in data.batches(x, x, batch_size=4, generator=torch.Generator())]
    assert [len(b) for b in seen] == [4, 4, 2]
    assert sorted(torch.cat(seen).tolist()) == list(range(10))


def test_images_and_labels_stay_together():
    x = torch.arange(10)
    pairs = data.batches(x, x * 2, batch_size=3, generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(2 * a, b) for a, b in pairs)


def test_each_epoch_has_its_own_order():
    x, generator = torch.arange(50), torch.Generator().manual_seed(0)
    first, second = (
        torch.cat([b for b, _ in data.batches(x, x, batch_size=8, generator=generator)])
        for _ in "ab"
    )
    assert not torch.equal(first, second)


def noisy(image):
    """Draw from all three generators that a transform may use."""
    return torch.tensor([torch.rand(()).item(), np.random.rand(), random.random()])  # noqa: NPY002


def epoch(seed, workers=2):
    x = torch.zeros(8, 1)
    made = data.loader(
        x, torch.arange(8), batch_size=2, transform=noisy, workers=workers, seed=seed
    )
    return torch.cat([b for b, _ in made])


def test_workers_repeat_with_the_seed_and_not_each_other():
    first, again, other = epoch(0), epoch(0), epoch(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    for column in first.T:  # torch, NumPy, Python
        assert len(column.unique()) == 8


@pytest.mark.parametrize("draw", [torch.rand, np.random.rand, lambda n: [random.random()]])
def test_a_transform_repeats_whatever_it_draws_from_and_what_others_draw_stays(draw):
    def numbers(seed):
        made = data.loader(
            torch.zeros(8, 1), torch.arange(8), batch_size=4, seed=seed,
            transform=lambda x: x + float(draw(1)[0]),
        )  # fmt: skip
        return torch.cat([x for x, _ in made])

    first = numbers(0)
    draw(1)
    assert torch.equal(numbers(0), first) and len(first.unique()) == 8
    assert not torch.equal(numbers(1), first)
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(3)
    alone = draw(1)[0]
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(3)
    numbers(0)
    assert draw(1)[0] == alone


def test_a_loader_gives_images_through_the_transform(sample):
    made = data.loader(
        sample.test_images, sample.test_labels, batch_size=300, transform=lambda x: x.float() / 255
    )
    images, labels = zip(*made, strict=True)
    assert [len(b) for b in images] == [300, 300, 300, 100]
    assert torch.equal(torch.cat(images), data.to_float(sample.test_images))
    assert torch.equal(torch.cat(labels), sample.test_labels)


X = torch.arange(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.batches(X, X, batch_size=0), "batch_size must be at least 1, got 0"),
        (
            lambda: data.batches(X[:0], X[:0], batch_size=1),
            "there must be at least one image, got none",
        ),
        (lambda: data.loader(X, X, batch_size=0), "batch_size must be at least 1, got 0"),
        (lambda: data.loader(X, X, batch_size=1, workers=-1), "workers must be at least 0, got -1"),
        (lambda: data.loader(X[:0], X[:0], batch_size=1), "got none"),
        (lambda: data.normalise(torch.zeros(1, 2, 3, 3)), "2 channels, got 3 and 3"),
        (lambda: data.normalise(torch.zeros(1, 1, 3, 3), mean=(0.0,), std=(0.0,)), "above 0, got"),
        (lambda: data.channel_statistics(torch.zeros(0, 3, 2, 2).byte()), "got none"),
        (lambda: data.per_image_std(torch.zeros(0, 3, 2, 2).byte()), "got none"),
    ],
)
def test_what_cannot_be_used_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_images_and_labels_of_different_length_are_refused(unchecked):
    for function in (data.batches, data.loader):
        with pytest.raises(ValueError, match=r"shape \(4,\), one label per image, got \(3,\)"):
            unchecked(function)(X, X[:3], batch_size=1)


def test_one_image_without_a_batch_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"shape \(N, C, H, W\), got \(3, 4, 4\)"):
        unchecked(data.normalise)(torch.zeros(3, 4, 4))


def test_other_integers_are_refused(unchecked):
    with pytest.raises(TypeError, match=r"uint8, got torch.int64"):
        unchecked(data.to_float)(torch.zeros(1, 1, 2, 2).long())


def test_only_renumbers_the_classes_in_the_order_of_their_names():
    labels = torch.tensor([1, 8, 4, 1, 0])
    images, new = data.only(torch.arange(5), labels, ["ship", "automobile"])
    assert images.tolist() == [0, 1, 3] and new.tolist() == [1, 0, 1]


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="a class must be one of airplane, .*, got 'cow'"):
        data.only(torch.arange(1), torch.tensor([0]), ["cat", "cow"])


def test_pixels_up_to_255_leave_a_network_at_guessing(sample):
    torch.manual_seed(0)
    images, labels = sample.train_images[::10].float(), sample.train_labels[::10]
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, stride=2), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(16 * 15 * 15, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    draw = torch.Generator().manual_seed(0)
    for _ in range(6):
        for x, y in data.batches(images, labels, batch_size=50, generator=draw):
            loss = torch.nn.functional.cross_entropy(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert not loss < 2.2  # at guessing, which is ln 10 = 2.303, or above, or nan


def test_sixteen_bits_look_as_eight_do(tmp_path):
    grey = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    Image.fromarray((grey // 256).astype(np.uint8)).save(tmp_path / "shallow.png")
    deep, shallow = (data.open_picture(tmp_path / f"{name}.png") for name in ("deep", "shallow"))
    assert torch.equal(deep, shallow) and len(deep.unique()) == 256


def test_a_picture_of_floats_is_refused(tmp_path):
    Image.new("F", (4, 4), 0.5).save(tmp_path / "floats.tif")
    with pytest.raises(ValueError, match="its pixels are floats; save it with 8 or 16 bits"):
        data.open_picture(tmp_path / "floats.tif")


@pytest.mark.parametrize("highest", [255, 65535, 2**30])
def test_a_picture_of_32_bits_is_refused(tmp_path, highest):
    Image.fromarray(np.linspace(0, highest, 256).reshape(16, 16).astype(np.int32)).save(
        tmp_path / "deep.tif"
    )
    with pytest.raises(ValueError, match="its pixels have 32 bits; save it with 8 or 16 bits"):
        data.open_picture(tmp_path / "deep.tif")


def test_a_portable_map_of_16_bits_looks_as_one_of_8(tmp_path):
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    (tmp_path / "deep.pgm").write_bytes(b"P5 16 16 65535\n" + (grey * 257).astype(">u2").tobytes())
    (tmp_path / "shallow.pgm").write_bytes(b"P5 16 16 255\n" + grey.astype(np.uint8).tobytes())
    deep, shallow = (data.open_picture(tmp_path / f"{name}.pgm") for name in ("deep", "shallow"))
    assert torch.equal(deep, shallow) and len(deep.unique()) > 200


def test_0_and_minus_0_are_the_same_pixel():
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.complex64):
        assert data.find_copies(torch.tensor([[0.0], [-0.0], [1.0]]).to(dtype)) == [(0, 1)]


def test_a_copy_is_found_whatever_its_file_is(tmp_path):
    picture = Image.fromarray(data.load("sample").test_images[0].permute(1, 2, 0).numpy())
    for name in ("a.png", "b.bmp"):
        picture.save(tmp_path / name)
    images = torch.stack([data.open_picture(tmp_path / name) for name in ("a.png", "b.bmp")])
    assert data.find_copies(images) == [(0, 1)]
    images[1, 0, 0, 0] += 1
    assert data.find_copies(images) == []


def test_a_link_that_leads_back_is_not_followed(tmp_path):
    for name in ("cat", "ship"):
        (tmp_path / name / "more").mkdir(parents=True)
        (tmp_path / name / "1.png").touch()
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2.png").touch()
    (tmp_path / "cat" / "more" / "back").symlink_to(tmp_path / "cat")
    (tmp_path / "ship" / "other").symlink_to(elsewhere)
    found = data.find_pictures(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found.paths] == [
        "cat/1.png",
        "ship/1.png",
        "ship/other/2.png",
    ]

import hashlib
import pickle
import random
import shutil
import zipfile
from collections import Counter

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from cnnguide import checkpoint, trained
from cnnguide.checkpoint import replacing
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe
from cnnguide.run import Training, fit


def test_a_file_that_is_moved_into_place_may_be_read_by_whom_any_file_may(tmp_path):
    (tmp_path / "any").touch()
    with replacing(tmp_path / "folder" / "moved") as file:
        file.write(b"whole")
    assert (tmp_path / "folder" / "moved").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_checkpoint_cut_short_is_refused_and_kept(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save_checkpoint(path, {"x": torch.zeros(100)})
    content = path.read_bytes()[:-50]
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"state.pt is cut short or altered: its digest is missing"
    ):
        checkpoint.load_checkpoint(path)
    assert path.read_bytes() == content


def test_weights_of_another_model_are_refused_and_change_nothing():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    before = net[1].weight.clone()
    other = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2), nn.Linear(1, 1)).state_dict()
    del other["0.bias"]
    with pytest.raises(
        ValueError, match=r"0.bias is missing; 2.weight is unknown; 2.bias is unk.* and 1"
    ):
        checkpoint.load_weights(net, other)
    assert torch.equal(net[1].weight, before)


# --- files that are damaged


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each kind that holds weights, with what loads it."""
    folder = tmp_path_factory.mktemp("weights")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    few = torch.zeros(4, 3, 32, 32, dtype=torch.uint8), torch.arange(4)
    recipe = Recipe(epochs=1, batch_size=2, learning_rate=0.01)
    list(fit(net, few, few, recipe, checkpoint=folder / "checkpoint.pt"))
    torch.manual_seed(0)
    told = {"model": "quick", "recipe": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    content = checkpoint.to_safetensors(QuickNet().state_dict(), told)
    (folder / "weights.safetensors").write_bytes(content)
    for name in ("backbone.pt", "resnet10.safetensors"):
        shutil.copy(trained.FOLDER / name, folder)
    return {
        "checkpoint.pt": lambda: list(
            fit(net, few, few, recipe, checkpoint=folder / "checkpoint.pt")
        ),
        "weights.safetensors": lambda: trained.load_run(folder),
        "backbone.pt": lambda: trained.load_backbone(folder / "backbone.pt"),
        "resnet10.safetensors": lambda: trained.load_demo(folder=folder),
    }, folder


KINDS = ["checkpoint.pt", "weights.safetensors", "backbone.pt", "resnet10.safetensors"]


def refusals(path, load, contents):
    """Load each damaged content; count those that are refused in one sentence of ours."""
    whole, outcomes = path.read_bytes(), Counter()
    try:
        for content in contents(whole):
            path.write_bytes(content)
            try:
                load()
                outcomes["loaded"] += 1
            except ValueError as error:
                assert "\n" not in str(error) and path.name in str(error), error  # noqa: PT017
                outcomes["refused"] += 1
    finally:
        path.write_bytes(whole)
    load()  # the whole one is read
    print(f"{path.name}: {dict(outcomes)}")
    return outcomes


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_anywhere_is_refused(files, name):
    loads, folder = files

    def flipped(whole):
        draw = random.Random(0)
        # the first bytes, the last ones, those around the digest, and some anywhere
        places = [*range(4), *range(-72, 0, 8), *(draw.randrange(len(whole)) for _ in range(40))]
        mark = whole.find(b'"sha256"')
        places += range(mark, mark + 90, 6) if mark > 0 else []
        for place in places:
            content = bytearray(whole)
            content[place] ^= 1 << draw.randrange(8)
            yield content

    outcomes = refusals(folder / name, loads[name], flipped)
    assert outcomes["loaded"] == 0 and outcomes["refused"] >= 50


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_another_length_or_of_something_else_is_refused(files, name):
    loads, folder = files

    def others(whole):
        yield from (whole[:-1], whole[:-71], whole[:-80], whole[: len(whole) // 2], whole[:3], b"")
        yield from (whole[1:], whole + b"0", b"hello", pickle.dumps({"a": 1}), b"\0" * 100)

    outcomes = refusals(folder / name, loads[name], others)
    assert outcomes == {"refused": 11}


def test_a_file_of_weights_is_one_that_other_tools_read(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save_checkpoint(path, {"x": torch.arange(3)})
    assert torch.load(path, weights_only=True)["x"].tolist() == [0, 1, 2]
    assert zipfile.ZipFile(path).testzip() is None
    weights, told = {"x": torch.arange(3)}, {"model": "quick"}
    read = safetensors.torch.load(checkpoint.to_safetensors(weights, told))
    assert read["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("new", [True, False])
def test_weights_of_other_tools_have_no_digest_and_are_read(tmp_path, new):
    path = tmp_path / "theirs.pt"
    torch.save({"x": torch.arange(3)}, path, _use_new_zipfile_serialization=new)
    assert checkpoint.load_checkpoint(path)["x"].tolist() == [0, 1, 2]


PARTS = ["model", "average", "best", "optimizer", "generator", "torch", "cuda", "history", "recipe"]


@pytest.mark.parametrize("name", [*PARTS, "images"])
@pytest.mark.parametrize(
    "value", ["missing", 3, {"a": torch.ones(1)}, [{}], torch.zeros(2)], ids=str
)
def test_a_checkpoint_with_a_part_that_is_missing_or_wrong_is_refused(files, name, value):
    _, folder = files
    state = checkpoint.load_checkpoint(folder / "checkpoint.pt")
    if isinstance(value, str):
        del state[name]
    else:
        state[name] = value
    run = Training(
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)),
        Recipe(epochs=1, batch_size=2, learning_rate=0.01),
    )
    try:
        run.load_state_dict(state)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:  # of the recipe's fields, and of the card's random numbers, none is asked for here
        assert (name, str(value)) in {
            ("average", "{'a': tensor([1.])}"), ("cuda", "tensor([0., 0.])")
        }  # fmt: skip


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def named(prefix, weights):
    return {f"{prefix}{name}": value for name, value in weights.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: {"state_dict": {"model": weights}, "epoch": 3},
        lambda weights: {"state_dict": named("model.", weights), "epoch": 3},  # Lightning
        lambda weights: named("module.model.", weights),
        lambda weights: {"model_state_dict": named("_orig_mod.", weights), "loss": 0.1},
        lambda weights: {"model_ema": named("module.", weights), "model": None},
        lambda weights: {"n_averaged": torch.tensor(3), **named("module.", weights)},
    ],
)
def test_weights_are_taken_out_of_the_wrappers_of_other_tools(wrap, unchecked):
    model, weights = small(), {name: value + 1 for name, value in small().state_dict().items()}
    unchecked(checkpoint.load_weights)(model, wrap(weights))
    assert all(torch.equal(model.state_dict()[name], weights[name]) for name in weights)


def test_the_weights_of_an_average_are_read():
    model = small()
    checkpoint.load_weights(model, AveragedModel(small()).state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.long(), "0.weight holds torch.int64, not torch.float32"),
        (lambda w: w.to(torch.complex64), "0.weight holds torch.complex64, not torch.float32"),
        (lambda w: w.to("meta"), "the weight 0.weight must hold all its numbers, got one on meta"),
        (lambda w: w.to_sparse(), "0.weight must hold all its numbers, got one of layout torch.sp"),
    ],
)
def test_weights_that_a_copy_would_change_are_refused(change, message):
    model = small()
    weights = model.state_dict()
    with pytest.raises(ValueError, match=message):
        checkpoint.load_weights(model, {**weights, "0.weight": change(weights["0.weight"])})


def with_digest(content):
    """Write what stands for the digest of a file of ours, wherever the file holds its place."""
    place = b'"sha256":"'
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(place + b"0" * 64, place + digest, 1)


@pytest.mark.parametrize("header", [b"", b"{", b'{"a":1,', b'{"__metadata__":{', b"\xff" * 20])
def test_a_strange_file_with_a_digest_that_is_right_is_refused(tmp_path, header):
    body = header + b'"sha256":"' + b"0" * 64 + b'"' + b"}" * header.count(b"{")
    path = tmp_path / "weights.safetensors"
    path.write_bytes(with_digest(len(body).to_bytes(8, "little") + body + b"1234"))
    with pytest.raises(ValueError, match=r"weights.safetensors holds no weights of cnnguide: \w+$"):
        checkpoint.read_safetensors(path)

import re

import pytest
import torch
from PIL import Image

from cnnguide import checkpoint, data, trained
from cnnguide.__main__ import main
from cnnguide.models import QuickNet


@pytest.fixture
def cat(tmp_path):
    sample = data.load("sample")
    path = tmp_path / "cat.png"
    picture = sample.test_images[sample.test_labels == data.CLASSES.index("cat")][2]
    Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((64, 64)).save(path)
    return path


def shares(text):
    return [float(share) for share in re.findall(r"([\d.]+) %", text)]


def test_the_five_best_are_printed_from_the_most_probable_down(cat, capsys):
    assert main(["predict", str(cat)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{cat}\n  cat ")
    best = shares(printed)
    assert len(best) == 5 and best == sorted(best, reverse=True) and sum(best) <= 100.3
    bars = [line.count("#") for line in printed.splitlines()[1:]]
    assert bars == [round(0.3 * share) for share in best]


def test_the_share_is_the_softmax_of_the_shipped_network(cat, capsys):
    main(["predict", "--best", "10", str(cat)])
    network = trained.shipped()
    with torch.no_grad():
        scores = network.model(data.normalise(data.open_picture(cat)[None]))[0]
    expected = 100 * scores.double().exp() / scores.double().exp().sum()
    assert shares(capsys.readouterr().out) == pytest.approx(
        sorted(expected.tolist(), reverse=True), abs=0.051
    )


def test_a_broken_picture_is_named_and_the_others_are_told(cat, tmp_path, capsys):
    broken = tmp_path / "cut.png"
    broken.write_bytes(cat.read_bytes()[:200])
    nothing, folder = tmp_path / "none.jpg", tmp_path / "album"
    folder.mkdir()
    assert main(["predict", str(broken), str(nothing), str(folder), str(cat)]) == 1
    shown = capsys.readouterr()
    assert f"got the folder {folder}; name the files in it" in shown.err
    assert "cut.png is not a whole picture" in shown.err
    assert "there is no picture" in shown.err and "Traceback" not in shown.err
    assert "cat " in shown.out


def test_a_run_of_ones_own_is_loaded_with_its_network_and_constants(cat, tmp_path, capsys):
    torch.manual_seed(0)
    model = QuickNet().eval()
    told = {"model": "quick", "recipe": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    content = checkpoint.to_safetensors(model.state_dict(), told)
    (tmp_path / "weights.safetensors").write_bytes(content)
    network = trained.load_run(tmp_path)
    picture = data.open_picture(cat)[None]
    with torch.no_grad():
        expected = model((picture / 255 - 0.5) / 0.25).softmax(1)
    torch.testing.assert_close(network.probabilities(picture), expected)
    assert main(["predict", "--run", str(tmp_path), str(cat)]) == 0


@pytest.mark.parametrize("content", [None, b"", b"not tensors"])
def test_a_folder_without_a_finished_run_is_refused(tmp_path, cat, capsys, content):
    if content is not None:
        (tmp_path / "weights.safetensors").write_bytes(content)
    assert main(["predict", "--run", str(tmp_path), str(cat)]) == 1
    assert re.match(
        "error: .*(no finished run|holds no weights of cnnguide)", capsys.readouterr().err
    )


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    picture = Image.new("RGB", (40, 40), "black")
    picture.paste("white", (0, 0, 40, 20))  # the upper half
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    picture.save(tmp_path / "turned.png", exif=exif)
    upper, lower = data.open_picture(tmp_path / "turned.png")[0, ::31].float().mean(1)
    assert upper < 10 and lower > 245


RIGHT = {"model": "quick", "classes": ["a", "b"], "recipe": {"mean": [0.5] * 3, "std": [0.25] * 3}}


def run_with(folder, *, network=None, **told):
    """Write a file of weights with another description, or other weights."""
    weights = (network or QuickNet(num_classes=2)).state_dict()
    content = checkpoint.to_safetensors(weights, {**RIGHT, **told})
    (folder / "weights.safetensors").write_bytes(content)
    return ["predict", "--run", str(folder)]


@pytest.mark.parametrize(
    "told",
    [
        *({"recipe": 3}, {"recipe": {}}, {"recipe": {"mean": ["a"] * 3, "std": [1] * 3}}),
        {"recipe": {"mean": [0.5], "std": [0.5]}},
        {"recipe": {"mean": [0.5] * 3, "std": [0] * 3}},
        *({"classes": "ab"}, {"classes": [1, 2]}, {"classes": 3}, {"classes": {"a": 1, "b": 2}}),
        *({"classes": []}, {"size": "big"}, {"size": 0}, {"size": None}),
        *({"model": "x"}, {"model": []}, {"model": None}),
    ],
)
def test_a_strange_description_of_weights_is_refused_in_one_sentence(cat, tmp_path, capsys, told):
    assert main([*run_with(tmp_path, **told), str(cat)]) == 1
    err = capsys.readouterr().err
    assert re.match("error: .*weights.safetensors is not a file of `cnnguide train`: .", err), err
    assert err.count("\n") == 1


def test_a_size_that_the_network_does_not_take_is_told(cat, tmp_path, capsys):
    assert main([*run_with(tmp_path, size=64), str(cat)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: QuickNet must get images of shape") and err.count("\n") == 1


def test_weights_that_are_no_numbers_are_told(cat, tmp_path, capsys):
    model = QuickNet(num_classes=2)
    model.fc.weight.data.fill_(float("nan"))
    assert main([*run_with(tmp_path, network=model), str(cat)]) == 1
    assert "the network gives scores that are not finite" in capsys.readouterr().err

import io
import json
import os
import random
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnnguide import data, results, trained
from cnnguide.__main__ import main
from cnnguide.checkpoint import load_checkpoint
from cnnguide.commands import options, parts, pictures
from cnnguide.commands import train as train_command
from cnnguide.recipe import Recipe


class SmallNet(nn.Sequential):
    """A network that trains on a few pictures in no time."""

    def __init__(self, *, num_classes=10):
        super().__init__(
            nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, num_classes)
        )


@pytest.fixture(autouse=True)
def _small_net(monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", SmallNet)


def draw(path, colour, k, size=(40, 32)):
    """Write a picture of one colour with some noise, another for every number."""
    noise = np.random.default_rng(k).integers(0, 40, (size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((noise + np.array(colour)).clip(0, 255).astype(np.uint8)).save(path)


COLOURS = {"sea": (0, 60, 200), "wood": (20, 150, 20), "fire": (200, 40, 0)}


def fill(folder, count=8, classes=tuple(COLOURS), first=0):
    for n, name in enumerate(classes):
        for k in range(count):
            draw(folder / name / f"{k:02d}.png", COLOURS[name], first + 100 * n + k, (40 + k, 32))
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "photos")


QUICK = ["--model", "quick", "--device", "cpu", "--epochs", "3", "--batch-size", "4"]


def train(folder, tmp_path, *options):
    where = ["--images", str(folder), "--output", str(tmp_path / "run")]
    return main(["train", *where, *QUICK, *options])


def told(tmp_path):
    return json.loads((tmp_path / "run" / "pictures.json").read_text(encoding="utf-8"))


def test_a_folder_is_trained_on_and_its_run_names_the_classes_of_new_pictures(
    folder, tmp_path, capsys
):
    assert train(folder, tmp_path, "--epochs", "10") == 0
    printed = capsys.readouterr().out
    assert "24 pictures of 3 classes, read as 32 × 32 pixels" in printed
    assert re.search(r"^ +train +validation +test$", printed, re.M)
    assert re.search(r"^ +sea +5 +1 +2$", printed, re.M)
    (single,) = results.load("train", folder=tmp_path / "run")["runs"]
    assert single["pictures"]["classes"] == ["fire", "sea", "wood"]
    assert single["pictures"]["counts"]["test"] == {"fire": 2, "sea": 2, "wood": 2}
    assert single["pictures"]["folder"] == "photos" and single["data"] == "pictures"
    assert single["test_accuracy"]["last"] == 1

    network = trained.load_run(tmp_path / "run")
    assert network.classes == ("fire", "sea", "wood") and network.size == 32
    draw(tmp_path / "new.jpg", COLOURS["wood"], 77, (64, 64))
    assert main(["predict", "--run", str(tmp_path / "run"), str(tmp_path / "new.jpg")]) == 0
    assert capsys.readouterr().out.splitlines()[-3].split()[0] == "wood"


ROOT = Path(__file__).parents[2]


def test_what_the_readmes_write_in_python_asks_a_finished_run(
    folder, tmp_path, capsys, monkeypatch
):
    assert train(folder, tmp_path, "--epochs", "10", "--output", str(tmp_path / "runs/photos")) == 0
    draw(tmp_path / "new.jpg", COLOURS["wood"], 77, (64, 64))
    monkeypatch.chdir(tmp_path)
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        (shown,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        capsys.readouterr()
        exec(shown, {})
        assert re.fullmatch(r"wood \d+%\n", capsys.readouterr().out)


def test_the_constants_are_those_of_the_training_part_alone(folder, tmp_path):
    assert train(folder, tmp_path) == 0
    names = told(tmp_path)["files"]["train"]
    images = torch.stack([data.open_picture(folder / name) for name in names])
    mean, std = data.channel_statistics(images)
    network = trained.load_run(tmp_path / "run")
    assert network.mean == pytest.approx(mean.tolist())
    assert network.std == pytest.approx(std.tolist())


def test_no_file_is_in_two_parts_and_the_test_part_is_that_of_every_seed(folder, tmp_path):
    read = pictures.read(folder, side=8, show=False)
    made = [pictures.split(read, validation=0.2, test=0.2, seed=seed) for seed in (0, 1)]
    for one in made:
        everything = torch.cat([one.places[name] for name in pictures.PARTS])
        assert everything.sort().values.tolist() == list(range(24))
    assert torch.equal(made[0].places["test"], made[1].places["test"])
    assert not torch.equal(made[0].places["validation"], made[1].places["validation"])


def test_a_larger_size_keeps_more_of_the_pictures(folder, tmp_path):
    read = pictures.read(folder, side=48, show=False)
    assert tuple(read.images.shape) == (24, 3, 48, 48) and read.images.dtype == torch.uint8
    assert torch.equal(read.images[3], data.open_picture(folder / read.names[3], side=48))


def test_the_sides_default_to_what_the_network_takes():
    def asked(*arguments):
        return options.parse(["--images", "photos", *arguments])

    assert asked().size == 64 and asked().model == "resnet10"
    assert asked("--model", "quick").size == 32
    assert asked("--start", "imagenet").size == 224
    assert asked("--start", "imagenet").training == pictures.RECIPES["transfer"]
    assert asked("--recipe", "modern").training.epochs == 50
    assert asked("--size", "96").size == 96


# --- parts that the folder has already


@pytest.mark.parametrize("names", [("train", "val"), ("Train", "validation", "test")])
def test_parts_that_the_folder_has_are_kept(tmp_path, names, capsys):
    for n, name in enumerate(names):
        fill(tmp_path / "photos" / name, 6, first=1000 * n)
    (tmp_path / "photos" / "labels").mkdir()
    assert train(tmp_path / "photos", tmp_path) == 0
    files = told(tmp_path)["files"]
    assert {name.split(os.sep)[0] for name in files["validation"]} == {names[1]}
    # where there is no test part, it is set aside from the training part
    assert {name.split(os.sep)[0] for name in files["test"]} == {names[2 if len(names) > 2 else 0]}
    assert len(files["train"]) + len(files["test"]) == 18 * (len(names) - 1)
    assert "left out: labels: not one of the parts " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "part", "folder"),
    [(["--test", "0.3"], "test", "test"), (["--validation=0.2"], "validation", "val")],
)
def test_the_share_of_a_part_that_the_folder_has_is_refused(tmp_path, capsys, option, part, folder):
    for n, name in enumerate(("train", folder)):
        fill(tmp_path / "photos" / name, 6, first=1000 * n)
    assert train(tmp_path / "photos", tmp_path, *option) == 1
    assert capsys.readouterr().err == (
        f"error: --{part} must be left out with {tmp_path / 'photos'}, whose folder {folder} is "
        "that part\n"
    )
    other = {"test": ["--validation", "0.4"], "validation": ["--test", "0.4"]}[part]
    assert train(tmp_path / "photos", tmp_path, *other) == 0


def test_a_picture_that_is_in_two_parts_is_left_out_of_training(tmp_path, capsys):
    root = tmp_path / "photos"
    for n, name in enumerate(("train", "val", "test")):
        fill(root / name, 4, first=1000 * n)
    shutil.copy(root / "test" / "sea" / "00.png", root / "train" / "sea" / "known.png")
    assert train(root, tmp_path) == 0
    files = told(tmp_path)["files"]
    assert str(Path("train/sea/known.png")) not in files["train"]
    assert str(Path("test/sea/00.png")) in files["test"]
    known, original = Path("train/sea/known.png"), Path("test/sea/00.png")
    assert f"left out: {known} is the same picture as {original}" in capsys.readouterr().out


def test_parts_with_other_classes_are_refused(tmp_path, capsys):
    fill(tmp_path / "photos" / "train", 4)
    fill(tmp_path / "photos" / "val", 4, ("sea", "wood"), first=1000)
    assert train(tmp_path / "photos", tmp_path) == 1
    err = capsys.readouterr().err
    assert "must have the same classes, and train alone has 'fire'" in err


def test_two_folders_for_one_part_are_refused(tmp_path, capsys):
    for n, name in enumerate(("train", "val", "valid")):
        fill(tmp_path / "photos" / name, 4, first=1000 * n)
    assert train(tmp_path / "photos", tmp_path) == 1
    assert "one folder for each part, got train, val, valid" in capsys.readouterr().err


def test_classes_may_be_named_as_parts_are(tmp_path):
    (tmp_path / "photos").mkdir()
    for name, colour in (("train", "sea"), ("test", "fire")):
        fill(tmp_path / "of", 5, (colour,))
        shutil.move(tmp_path / "of" / colour, tmp_path / "photos" / name)
    assert pictures.read(tmp_path / "photos", side=8, show=False).classes == ("test", "train")


# --- what is no picture, and what is none any more


def test_what_cannot_be_read_is_named_and_left_out(folder, tmp_path, capsys):
    (folder / "sea" / "notes.txt").write_text("by the sea")
    (folder / "sea" / ".hidden.png").write_bytes(b"")
    (folder / "sea" / "Thumbs.db").write_bytes(b"")
    (folder / ".cache").mkdir()
    broken = folder / "wood" / "cut.png"
    broken.write_bytes((folder / "wood" / "00.png").read_bytes()[:300])
    shutil.copy(folder / "fire" / "03.png", folder / "fire" / "again.png")
    assert train(folder, tmp_path) == 0
    left_out = told(tmp_path)["left_out"]
    assert left_out[0] == f"{Path('sea/notes.txt')}: no picture, by the end of its name"
    assert left_out[1].startswith(f"{Path('wood/cut.png')} is not a whole picture: ")
    first, second = Path("fire/03.png"), Path("fire/again.png")
    assert left_out[2] == f"{second} is the same picture as {first}"
    assert len(left_out) == 3
    printed = capsys.readouterr().out
    assert all(f"  left out: {sentence}\n" in printed for sentence in left_out)
    (single,) = results.load("train", folder=tmp_path / "run")["runs"]
    assert single["pictures"]["left_out"] == left_out


def test_many_files_are_told_by_their_number(folder, tmp_path, capsys):
    for k in range(14):
        (folder / "sea" / f"cut{k:02d}.png").write_bytes(b"half")
    (folder / "sea" / "IMG.HEIC").write_bytes(b"")
    assert train(folder, tmp_path) == 0
    printed = capsys.readouterr().out
    assert printed.count("left out: ") == 11
    assert "left out: 5 more, which the run's pictures.json names\n" in printed
    assert "IMG.HEIC: no picture" in printed


def test_every_file_is_written_down_where_a_line_names_the_first(folder, tmp_path, capsys):
    names = [str(Path("sea", f"IMG{k}.HEIC")) for k in range(8)]
    for name in names:
        (folder / name).write_bytes(b"")
    assert train(folder, tmp_path) == 0
    why = "no picture, by the end of its name"
    assert told(tmp_path)["left_out"] == [f"{', '.join(names)}: {why}"]
    shown = f"{', '.join(names[:5])} and 3 more, which the run's pictures.json names"
    assert f"  left out: {shown}: {why}\n" in capsys.readouterr().out


def one_class(folder):
    for name in ("wood", "fire"):
        shutil.rmtree(folder / name)


def no_class(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    draw(folder / "1.png", (0, 0, 0), 0)


def an_empty_class(folder):
    (folder / "air").mkdir()


def too_few(folder):
    for path in sorted((folder / "sea").iterdir())[3:]:
        path.unlink()


def all_broken(folder):
    for path in (folder / "sea").iterdir():
        path.write_bytes(b"half")


def the_same_in_two_classes(folder):
    shutil.copy(folder / "sea" / "00.png", folder / "wood" / "00.png")


def without_blue(folder):
    for k, path in enumerate(sorted(folder.rglob("*.png"))):
        Image.new("RGB", (32, 32), (k, 100, 0)).save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_class, "must hold a folder for each class, and at least two of them, got only 'sea'"),
        (no_class, "must hold a folder for each class, and at least two of them, got none"),
        (an_empty_class, "every class must have pictures, got none in .*air"),
        (too_few, "the 3 of 'sea' leave none for validation; add pictures, or change --test"),
        (all_broken, "the 0 of 'sea' leave none for train; add pictures"),
        (the_same_in_two_classes, "the same in two: sea.00.png and wood.00.png; delete one of"),
        (without_blue, "must differ somewhere, and a colour has the same value in every pixel of"),
        (shutil.rmtree, "--images must be a folder, got"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_refused_in_one_sentence(
    folder, tmp_path, capsys, spoil, message
):
    spoil(folder)
    assert train(folder, tmp_path) == 1
    err = capsys.readouterr().err
    assert re.search(message, err) and err.count("\n") == 1, err
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_a_folder_that_is_shut_is_named(folder, tmp_path, capsys, monkeypatch):
    scan = os.scandir

    def shut(path):
        if Path(path).name == "wood":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", shut)  # root may read everything
    assert train(folder, tmp_path) == 1
    assert re.search(r"error: .*Permission denied: '.*wood'\n", capsys.readouterr().err)


def test_a_folder_that_the_memory_would_not_hold_is_refused_before_it_is_read(
    folder, tmp_path, capsys
):
    assert train(folder, tmp_path, "--model", "resnet10", "--size", "1000000") == 1
    assert re.search(
        r"24 pictures of 1000000 × 1000000 pixels need about 216000.0 GB of memory, and [\d.]+ GB "
        "are free; take a smaller --size",
        capsys.readouterr().err,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "64"], "size must be exactly 32 with --model quick, got 64"),
        (["--model", "resnet10", "--size", "8"], "size must be at least 16, got 8"),
        (["--test", "0"], "test must lie between 0 and 1, got 0.0"),
        (["--record"], "--record must be left out with --images"),
        (["--data", "sample"], "--data must be left out with --images, your own pictures"),
        (["--data=full"], "--data must be left out with --images, your own pictures"),
        (["--start", "imagenet"], "--start imagenet must have --model efficientnet, got quick"),
        (["--model", "efficientnet"], "--model efficientnet must come with --start imagenet"),
        (["--start", "imagenet", "--model", "efficientnet", "--nproc", "2"], "must be one process"),
        (
            ["--start", "imagenet", "--model", "efficientnet", "--mean", "0", "0", "0"],
            "--mean and --std must be left out with --start imagenet, which has its own",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder, tmp_path, capsys, options, message):
    assert train(folder, tmp_path, *options) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--size", "64"], ["--test", "0.3"], ["--start", "imagenet"], ["--model", "efficientnet"]],
)
def test_options_of_your_own_pictures_are_refused_without_them(capsys, tmp_path, options):
    assert main(["train", *options, "--output", str(tmp_path / "run")]) == 1
    assert re.search("must come with --(images|start)", capsys.readouterr().err)


def test_what_lies_beside_the_classes_is_told(folder, tmp_path):
    draw(folder / "alone.png", (9, 9, 9), 5)
    (folder / ".hidden").touch()
    read = pictures.read(folder, side=8, show=False)
    assert read.left_out == ("alone.png: in no class's folder",) and len(read.labels) == 24
    for part in ("train", "val"):
        fill(tmp_path / "parts" / part, 2, first=1000 * len(part))
        draw(tmp_path / "parts" / part / "alone.png", (9, 9, 9), 5)
    draw(tmp_path / "parts" / "alone.png", (9, 9, 9), 5)
    draw(tmp_path / "parts" / "more" / "alone.png", (9, 9, 9), 5)
    (tmp_path / "parts" / "__MACOSX").mkdir()
    left_out = pictures.read(tmp_path / "parts", side=8, show=False).left_out
    names = ", ".join(str(Path(part, "alone.png")) for part in ("", "val", "train"))
    assert left_out == (
        "more: not one of the parts train, val",
        f"{names}: in no class's folder",
    )


@pytest.mark.parametrize("hidden", [".thumbnails", "__MACOSX"])
def test_a_hidden_folder_makes_no_part_of_a_class(tmp_path, hidden):
    for name, colour in (("train", "sea"), ("plane", "fire")):
        fill(tmp_path / "of", 2, (colour,))
        (tmp_path / "photos").mkdir(exist_ok=True)
        shutil.move(tmp_path / "of" / colour, tmp_path / "photos" / name)
    draw(tmp_path / "photos" / "train" / hidden / "1.png", (9, 9, 9), 5)
    read = pictures.read(tmp_path / "photos", side=8, show=False)
    assert read.classes == ("plane", "train") and len(read.labels) == 4 and not read.left_out


def remembered(folder, tmp_path, *, resume):
    made = pictures.split(
        pictures.read(folder, side=8, show=False), validation=0.2, test=0.2, seed=0
    )
    pictures.remember(made, tmp_path / "pictures.json", resume=resume, write=True)
    return [name for part in pictures.PARTS for name in part_names(made, part)]


def part_names(made, part):
    return [made.pictures.names[k] for k in made.places[part].tolist()]


def test_a_name_that_is_no_utf_8_is_written_down_as_it_is(folder, tmp_path):
    try:
        os.rename(folder / "sea" / "00.png", os.fsencode(folder / "sea") + b"/\xe9.png")
    except OSError:
        pytest.skip("this system has no such names")
    names = remembered(folder, tmp_path, resume=False)
    told = json.loads((tmp_path / "pictures.json").read_text(encoding="utf-8"))
    assert [name for part in pictures.PARTS for name in told["files"][part]] == names
    assert os.fsdecode(b"sea" + os.sep.encode() + b"\xe9.png") in names
    assert remembered(folder, tmp_path, resume=True) == names


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", '{"digest": 3}', '{"digest": "x", "files": []}', "\xff"),
        '{"digest": "x", "files": {"train": [[1]], "validation": [], "test": []}}',
    ],
)
def test_a_damaged_list_of_pictures_is_refused_by_its_name(folder, tmp_path, text):
    (tmp_path / "pictures.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"pictures.json is cut short or altered, so it is not"):
        remembered(folder, tmp_path, resume=True)


def spoiled(content, draw):
    """Change a file somewhere near its beginning, or cut it."""
    content, place = bytearray(content), draw.randrange(min(len(content), 400))
    if draw.random() < 0.3:
        return bytes(content[: draw.randrange(len(content))])
    values = [0, 255, draw.randrange(256)]
    content[place : place + draw.choice([1, 4])] = bytes([draw.choice(values)]) * draw.choice(
        [1, 4]
    )
    return bytes(content)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it passes over
def test_a_damaged_picture_of_any_kind_is_read_or_refused_in_one_sentence(tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    ended, path, chance = Counter(), tmp_path / "spoiled", random.Random(0)
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "PPM", "TGA", "ICO"):
        whole = io.BytesIO()
        picture.save(whole, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP") else {}))
        for _ in range(100):
            path.write_bytes(spoiled(whole.getvalue(), chance))
            try:
                told = data.open_picture(path, side=4).shape == (3, 4, 4)
            except ValueError as error:
                told = str(error)
            assert told is True or re.fullmatch(rf"{path} is not a whole picture: \S.*", told)
            ended["read" if told is True else "refused"] += 1
    print(f"damaged pictures: {ended.total()}, {dict(ended)}")


# --- going on, and the rest that a run can do


def test_a_stopped_run_goes_on_to_the_same_weights(folder, tmp_path, monkeypatch):
    assert train(folder, tmp_path) == 0
    whole = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["model"]
    shutil.rmtree(tmp_path / "run")
    real = train_command.write_log

    def stop_after_two(options, run):
        real(options, run)
        if len(run.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_command, "write_log", stop_after_two)
    assert train(folder, tmp_path) == 130
    monkeypatch.setattr(train_command, "write_log", real)
    assert train(folder, tmp_path, "--resume") == 0
    state = load_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert len(state["history"]) == 3
    assert all(torch.equal(whole[name], state["model"][name]) for name in whole)


def add_one(folder):
    draw(folder / "sea" / "new.png", COLOURS["sea"], 999)


def change_one(folder):
    draw(folder / "sea" / "00.png", COLOURS["sea"], 999)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (add_one, [], r"\(1 new, 0 gone\)"),
        (lambda f: (f / "sea" / "00.png").unlink(), [], r"\(0 new, 1 gone\)"),
        (change_one, [], r"\(0 new, 0 gone\)"),
        (lambda f: None, ["--test", "0.4"], "with the same --size, --test, --validation"),
    ],
)
def test_a_run_does_not_go_on_with_other_pictures(
    folder, tmp_path, capsys, change, options, message
):
    assert train(folder, tmp_path) == 0
    (tmp_path / "run" / "train.json").unlink()  # written last: the run has not ended
    change(folder)
    capsys.readouterr()
    assert train(folder, tmp_path, "--resume", *options) == 1
    err = capsys.readouterr().err
    assert "the pictures are not those that the run began with" in err and err.count("\n") == 1
    assert re.search(message, err)


def test_a_dry_run_reads_the_folder_and_writes_nothing(folder, tmp_path, capsys):
    (folder / "sea" / "cut.png").write_bytes(b"half")
    assert train(folder, tmp_path, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "cut.png is not a whole picture" in printed and "15 training images" in printed
    assert "time: about" in printed and not (tmp_path / "run").exists()
    work = re.search(r", (\S+) GFLOP$", printed, re.MULTILINE)
    assert work and float(work[1]) > 0, printed
    assert all(
        re.search(rf"{name} = \((0\.\d{{1,4}}(, )?){{3}}\)\n", printed) for name in ("mean", "std")
    )


def test_several_seeds_report_on_the_same_test_pictures(folder, tmp_path, capsys):
    assert train(folder, tmp_path, "--seeds", "2", "--epochs", "1") == 0
    assert "mean ± standard deviation of 2 seeds" in capsys.readouterr().out
    files = [
        json.loads((tmp_path / "run" / f"seed-{seed}" / "pictures.json").read_text())["files"]
        for seed in (0, 1)
    ]
    assert files[0]["test"] == files[1]["test"]
    assert files[0]["validation"] != files[1]["validation"]


def test_a_series_does_not_count_runs_on_other_pictures(folder, tmp_path, capsys):
    series = ["--epochs", "1", "--resume", "--seeds"]
    assert train(folder, tmp_path, "--epochs", "1", "--seeds", "2") == 0
    assert train(folder, tmp_path, *series, "2") == 0
    assert capsys.readouterr().out.count("has ended already") == 2
    add_one(folder)
    assert train(folder, tmp_path, *series, "3") == 1
    shown = capsys.readouterr()
    assert "the pictures are not those that the run began with (1 new, 0 gone)" in shown.err
    assert f"seed 0: {tmp_path / 'run' / 'seed-0'}\n" in shown.out
    assert not (tmp_path / "run" / "seed-2" / "checkpoint.pt").exists()


def test_two_processes_share_a_folder(folder, tmp_path):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "cnnguide", "train", "--images", str(folder), "--nproc", "2"]
        + ["--model", "quick", "--epochs", "1", "--batch-size", "5", "--device", "cpu"]
        + ["--output", str(tmp_path / "run")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("24 pictures of 3 classes") == 1
    (single,) = results.load("train", folder=tmp_path / "run")["runs"]
    assert single["processes"] == 2 and single["pictures"]["classes"] == ["fire", "sea", "wood"]


def test_constants_of_your_own_are_kept(folder):
    made = pictures.split(
        pictures.read(folder, side=8, show=False), validation=0.2, test=0.2, seed=0
    )
    own = Recipe(mean=(0.5, 0.5, 0.5))
    assert pictures.with_constants(own, made) == own

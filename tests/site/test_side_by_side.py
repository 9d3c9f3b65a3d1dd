"""Scripts and pages that run side by side: what an interrupted build leaves behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from conftest import ROOT

BUILD = """
import sys, time
from pathlib import Path

import ipykernel.kernelapp, torch

sys.path.insert(0, sys.argv[1])
from gallery.side_by_side import run_side_by_side
from jupyter_client.manager import start_new_kernel


class Page:
    def run(self):
        manager, client = start_new_kernel(kernel_name="python3")
        Path("kernel.new").write_text(str(manager.provisioner.pid))
        Path("kernel.new").rename("kernel")
        time.sleep(600)

    def forget(self):
        Path("forgotten").touch()


run_side_by_side([Page()], at_once=1, ended=print)
"""


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait(condition):
    end = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_nothing_runs_on_after_a_build_that_is_interrupted(tmp_path):
    command = [sys.executable, "-c", BUILD, str(ROOT / "docs" / "_ext")]
    environment = {**os.environ, "JUPYTER_PATH": str(ROOT / "docs" / "_ext" / "page" / "jupyter")}
    build = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        wait((tmp_path / "kernel").exists)
        kernel = int((tmp_path / "kernel").read_text())
        page = int(Path(f"/proc/{kernel}/stat").read_text().rpartition(")")[2].split()[1])
        assert is_there(kernel) and is_there(page)
        build.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in build.communicate(timeout=100)[1]
        wait(lambda: not is_there(page))
        wait(lambda: not is_there(kernel))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(build.pid, signal.SIGKILL)
    assert (tmp_path / "forgotten").exists()

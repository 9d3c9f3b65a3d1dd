"""Run scripts and pages side by side: one process each, as many at a time as Sphinx may use.

A process is forked from one that has imported torch and the library already, and so is the kernel
of a page's cells: to start one takes no time, and each begins with the same fresh modules.
Every process computes with one thread, so that sums come out the same on two cores as on sixteen.
What goes wrong here is said nowhere: its outputs are forgotten, and Sphinx, which then misses them,
runs the script or the page again and reports it as it always does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

__all__ = ["Job", "run_side_by_side"]


class Job(Protocol):
    """What can be run, and forgotten."""

    def run(self) -> bool:
        """Make the outputs; tell whether all went well."""

    def forget(self) -> None:
        """Remove the outputs."""


Work = TypeVar("Work", bound=Job)


def run_side_by_side(
    jobs: Sequence[Work], *, at_once: int, ended: Callable[[Work, bool], None]
) -> None:
    """Run each job in a process of its own, in the order given.

    Parameters
    ----------
    jobs : sequence of Job
    at_once : int
        How many processes there are at a time, at least 1.
    ended : callable
        Called with each job that has ended, and whether it went well.
    """
    gc.collect()
    gc.freeze()  # what is here now is not looked through, and so not copied, by each process
    left = [*jobs]
    running: dict[Any, tuple[Work, BaseProcess]] = {}  # by what tells that the process has ended
    try:
        while left or running:
            while left and len(running) < at_once:
                job = left.pop(0)
                process: BaseProcess = get_context("fork").Process(target=run_alone, args=(job,))
                process.start()
                running[process.sentinel] = job, process
            for sentinel in connection.wait([*running]):
                job, process = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    job.forget()
                ended(job, not process.exitcode)
    finally:  # of a build that is interrupted, nothing runs on, and no half is kept
        for job, process in running.values():
            process.terminate()
            process.join()  # it may just be writing its outputs down
            job.forget()
        gc.unfreeze()


def run_alone(job: Job) -> None:
    """Run a job in this process, which ends with 1 if something went wrong."""
    import torch

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that it starts
    torch.set_num_threads(1)
    factory = KernelProvisionerFactory.instance()
    name = factory.default_provisioner_name = "forked-provisioner"
    entry = EntryPoint(name, f"{__name__}:ForkedProvisioner", factory.GROUP_NAME)
    factory.provisioners[name] = entry
    try:
        sys.exit(0 if job.run() else 1)
    except Exception:
        sys.exit(1)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as a copy of this process."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel; jupyter_client calls this."""
        options = kwargs["env"], kwargs.get("cwd")
        process = get_context("fork").Process(target=be_kernel, args=(cmd, *options))
        process.start()
        self.process = Started(process)  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info


class Started:
    """A process of multiprocessing with the methods of one of subprocess."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self.process = process

    def poll(self) -> int | None:
        """Give the exit code, or nothing while the process runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """Wait for the end."""
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it."""
        self.process.kill()


def be_kernel(command: list[str], environment: dict[str, str], folder: str | None) -> None:
    """Become the kernel that a command line would start."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # a signal for the kernel is for what it has started too, and for nobody else
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    asyncio.set_event_loop(asyncio.new_event_loop())  # not the one of the process it is a copy of
    sys.argv = [*command]
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # without it, the kernel ends by itself
    IPKernelApp.launch_instance([*command[3:], parent])

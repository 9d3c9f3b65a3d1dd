import math
import os
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import schedules
from cnnguide import data, results
from cnnguide.fast import (
    Choices,
    FastTraining,
    ImagesOnDevice,
    Techniques,
    draw_choices,
    record_step,
    saved_bytes,
)
from cnnguide.models import cifar_resnet18
from cnnguide.recipe import RECIPES, Recipe, learning_rate_at
from cnnguide.run import Training, augmented_batches, fit
from cnnguide.train import make_optimizer
from cnnguide.transfer import parameter_groups

# 40 images: two batches of 16 and a short one of 8
TINY = Recipe(epochs=2, batch_size=16, learning_rate=0.05, cutout=6, average=0.9)
SLOW = Techniques(channels_last=False, bfloat16=False, fused=False, compiled=False, recorded=False)
DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


def few(count=40):
    sample = data.load("sample")
    chosen = torch.arange(0, 1000, 1000 // count)[:count]
    return sample.test_images[chosen], sample.test_labels[chosen]


def tiny_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
    )


def all_batches(recipe, images, labels, seed=0):
    """The plain loop's batches and the fast loop's, of one epoch."""
    plain = augmented_batches(images, labels, recipe, generator=torch.Generator().manual_seed(seed))
    choices = draw_choices(len(labels), recipe, generator=torch.Generator().manual_seed(seed))
    made = ImagesOnDevice(images, labels, recipe)
    starts = range(0, len(labels), recipe.batch_size)
    fast = [made.batch(choices.part(slice(k, k + recipe.batch_size))) for k in starts]
    return list(plain), fast


# --- what is shown


@pytest.mark.parametrize(
    "change", [{}, {"cutout": 0}, {"padding": 0}, {"flip": 0.0}, {"flip": 1.0}, {"batch_size": 40}]
)
def test_both_loops_show_the_same_images(change):
    plain, fast = all_batches(replace(TINY, **change), *few())
    assert len(plain) == len(fast)
    for (x, y), (ours, our_labels) in zip(plain, fast, strict=True):
        assert torch.equal(y, our_labels)
        assert_close(ours, x, rtol=0, atol=1e-6)  # the constants are divided in another order


def test_every_crop_and_flip_is_the_same_as_torchvisions():
    from torchvision.transforms.v2 import functional

    images, labels = few(2)
    recipe = Recipe(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    made, index = ImagesOnDevice(images, labels, recipe), torch.arange(2)
    for place in range(81):
        for mirrored in (False, True):
            row, column = divmod(place, 9)
            here = [torch.full((2,), v) for v in (row, column, mirrored, 0, 0)]
            x, _ = made.batch(Choices(index, *here))
            theirs = functional.crop(functional.pad(images, [4]), row, column, 32, 32)
            theirs = functional.horizontal_flip(theirs) if mirrored else theirs
            assert torch.equal((x * 255).round().byte(), theirs)


def test_the_draws_are_uniform_over_all_81_places_and_both_sides():
    choices = draw_choices(48_600, Recipe(), generator=torch.Generator().manual_seed(0))
    outcome = (choices.row * 9 + choices.column) * 2 + choices.mirrored
    counts = outcome.bincount(minlength=162).double()
    chi_squared = ((counts - 300) ** 2 / 300).sum().item()
    # 161 degrees of freedom: mean 161, deviation 18; five deviations are left to luck
    assert len(counts) == 162 and abs(chi_squared - 161) < 5 * math.sqrt(2 * 161)
    assert choices.image.sort().values.equal(torch.arange(48_600))


def test_the_blanked_squares_middle_is_uniform():
    recipe = Recipe(cutout=4)
    choices = draw_choices(102_400, recipe, generator=torch.Generator().manual_seed(0))
    counts = (choices.hole_row * 32 + choices.hole_column).bincount(minlength=1024).double()
    chi_squared = ((counts - 100) ** 2 / 100).sum().item()
    assert abs(chi_squared - 1023) < 5 * math.sqrt(2 * 1023)


# --- the same computation


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("recipe", [TINY, replace(RECIPES["modern"], batch_size=16, epochs=2)])
@pytest.mark.parametrize("fused", [False, True])
def test_two_fast_epochs_are_two_plain_ones(device, recipe, fused):
    """Whole epochs, short batches included, in float32; only the order of sums differs."""
    plain = Training(tiny_net(), recipe, device=device)
    fast = FastTraining(tiny_net(), recipe, device=device, techniques=replace(SLOW, fused=fused))
    plain.bfloat16 = False
    for _ in range(2):
        theirs, ours = (t.run_epoch(few(), few(20)) for t in (plain, fast))
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)
    for name in ("model", "evaluated"):
        a, b = getattr(plain, name).state_dict(), getattr(fast, name).state_dict()
        # rounding of 6e-8, grown by six steps at rates up to 0.4; a step moves weights by 1e-2
        assert_close(b, a, rtol=1e-3, atol=1e-4)
    assert len(fast.step_losses) == 3 and fast.step_losses.isfinite().all()


def test_one_fast_step_is_one_plain_step_in_float64():
    recipe = replace(TINY, average=0.0)
    images, labels = few(16)
    fast = FastTraining(tiny_net().double(), recipe, techniques=replace(SLOW, fused=True))
    made = ImagesOnDevice(images, labels, recipe)
    made.mean, made.std = made.mean.double(), made.std.double()
    choices = draw_choices(16, recipe, generator=torch.Generator().manual_seed(0))
    plain = tiny_net().double()
    optimizer = make_optimizer(plain, recipe)
    x, y = made.batch(choices)
    x = x.double()
    made.batch = lambda _: (x, y)
    for _ in range(3):
        fast.step(made, choices, 16)
        loss = nn.functional.cross_entropy(plain(x).float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # the loss is float32 in both loops, so its gradient carries that rounding
    assert_close(fast.model.state_dict(), plain.state_dict(), rtol=1e-5, atol=1e-7)


def test_bfloat16_stays_within_the_noise_of_seeds():
    recipe = replace(TINY, epochs=6, cutout=0, average=0.0)
    losses = {}
    for name, bfloat16, seed in [("a", False, 0), ("b", False, 1), ("c", False, 2), ("d", True, 0)]:
        run = FastTraining(
            tiny_net(), recipe, seed=seed, techniques=replace(SLOW, bfloat16=bfloat16)
        )
        losses[name] = [run.run_epoch(few(), few(20)).train_loss for _ in range(6)]
    spread = max(abs(losses["a"][-1] - losses[n][-1]) for n in "bc")
    assert 0 < abs(losses["a"][-1] - losses["d"][-1]) < max(spread, 0.02)


def test_a_resumed_fast_run_ends_bitwise_like_the_unbroken_one():
    def start():
        return FastTraining(
            tiny_net(), replace(TINY, epochs=3), techniques=replace(SLOW, fused=True)
        )

    whole, broken, resumed = start(), start(), start()
    for _ in range(3):
        whole.run_epoch(few(), few(20))
    broken.run_epoch(few(), few(20))
    resumed.load_state_dict(broken.state_dict())
    for _ in range(2):
        resumed.run_epoch(few(), few(20))
    for a, b in ((whole.model, resumed.model), (whole.evaluated, resumed.evaluated)):
        assert all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_a_plain_runs_state_goes_on_in_the_fast_loop():
    plain = Training(tiny_net(), TINY)
    plain.run_epoch(few(), few(20))
    fast = FastTraining(tiny_net(), TINY, techniques=replace(SLOW, fused=True))
    fast.recordings[40] = "a step that moves the tensors of before"
    fast.load_state_dict(plain.state_dict())
    assert not fast.recordings
    assert all(group["fused"] for group in fast.optimizer.param_groups)
    fast.run_epoch(few(), few(20))
    assert [e.number for e in fast.history] == [1, 2]


def test_compiling_changes_nothing_but_rounding():
    recipe = replace(TINY, average=0.0, epochs=1)
    runs = [
        FastTraining(tiny_net(), recipe, techniques=replace(SLOW, compiled=compiled))
        for compiled in (False, True)
    ]
    runs[1].forward = torch.compile(runs[1].model, dynamic=False, backend="aot_eager")
    losses = [run.run_epoch(few(), few(20)).train_loss for run in runs]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_a_diverging_run_stops_with_the_step_and_the_value():
    recipe = Recipe(epochs=1, batch_size=8, learning_rate=1e30)
    run = FastTraining(tiny_net(), recipe, techniques=SLOW)
    with pytest.raises(FloatingPointError, match=r"loss is (nan|inf) at step [2-5] of the epoch"):
        run.run_epoch(few(), few(20))
    assert run.history == []


class NoReading(TorchDispatchMode):
    """Refuse to hand a value to Python between the steps, for which a GPU would be waited for."""

    between = False

    def steps(self, steps):
        self.between = True
        yield from steps
        self.between = False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        aten = torch.ops.aten
        reading = (aten._local_scalar_dense.default, aten.nonzero.default, aten.equal.default)
        assert not (self.between and function in reading), "a value was read between the steps"
        return function(*args, **(kwargs or {}))


def test_no_value_is_read_between_the_steps_of_an_epoch():
    recipe = replace(TINY, average=0.0)
    run = FastTraining(tiny_net(), recipe, techniques=replace(SLOW, fused=True))
    watch = NoReading()
    run.progress = watch.steps
    with watch:
        run.train_once(*few(), [0.01] * 3)
    with pytest.raises(AssertionError, match="a value was read between the steps"), watch:
        Training.train_once(run, *few(), [0.01] * 3)  # the plain loop reads its losses


def test_other_images_are_prepared_anew(monkeypatch):
    run = FastTraining(tiny_net(), replace(TINY, epochs=4), techniques=SLOW)
    monkeypatch.setattr(run, "device", torch.device("cuda"))  # whose memory is PyTorch's own
    images, labels = few()
    first = run.keep_on_device(images, labels)
    run.recordings[40] = "a step that reads these images"
    assert run.keep_on_device(images, labels) is first and run.recordings
    assert run.keep_on_device(images.clone(), labels) is not first and not run.recordings


@pytest.mark.parametrize("kind", [Training, FastTraining])
def test_each_part_of_the_network_learns_at_its_share_of_the_rate(kind):
    """Plain SGD without momentum: a step is the rate times the gradient."""
    steps = []
    for decay in (1.0, 0.5):
        options = {"techniques": SLOW} if kind is FastTraining else {}
        net = tiny_net()
        weights = [net[0].weight, net[1].weight, net[4].weight]
        before = [weight.detach().clone() for weight in weights]
        run = kind(net, replace(TINY, average=0.0), **options)
        run.bfloat16 = False
        groups = parameter_groups([net[0], net[1], net[4]], learning_rate=0.1, decay=decay)
        run.optimizer = torch.optim.SGD(groups)
        run.train_once(*few(16), [0.02])
        steps.append([w.detach() - old for w, old in zip(weights, before, strict=True)])
    for whole, part, share in zip(*steps, [0.25, 0.5, 1.0], strict=True):
        assert whole.abs().max() > 0
        assert_close(part, share * whole, rtol=1e-3, atol=1e-6)


def test_a_recorded_step_with_several_rates_is_refused():
    net = tiny_net()
    run = FastTraining(net, TINY, techniques=SLOW)
    run.techniques = Techniques()
    run.optimizer = torch.optim.SGD(
        parameter_groups([net[0], net[4]], learning_rate=0.1, decay=0.5)
    )
    with pytest.raises(
        ValueError, match=r"one learning rate for all weights, got the lr_scale 0.5"
    ):
        run.train_once(*few(), [0.1] * 3)


# --- what cannot be done


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
def test_a_recipe_that_mixes_is_refused(method):
    with pytest.raises(ValueError, match="recipe without mixup and cutmix; take Training"):
        FastTraining(nn.Flatten(), Recipe(**{method: 1.0}))


def test_recording_without_a_gpu_is_refused():
    with pytest.raises(ValueError, match=r"recorded on one GPU; with 1 process\(es\) on cpu"):
        FastTraining(tiny_net(), TINY, techniques=Techniques(recorded=True))
    assert not Techniques.for_device(torch.device("cpu")).recorded


def test_recording_without_a_fused_optimiser_is_refused():
    with pytest.raises(ValueError, match="must have fused=True, got fused=False: only a fused"):
        FastTraining(tiny_net(), TINY, techniques=Techniques(fused=False, recorded=True))


@pytest.mark.parametrize("fused", [False, True])
def test_only_a_fused_optimiser_leaves_the_learning_rate_on_the_device(fused):
    run = FastTraining(tiny_net(), TINY, techniques=replace(SLOW, fused=fused))
    for parameter in run.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for group in run.optimizer.param_groups:
        group["lr"] = torch.tensor(0.1)
    watch = NoReading()
    watch.between = True
    with nullcontext() if fused else pytest.raises(AssertionError, match="a value was read"), watch:
        run.optimizer.step()


def test_a_step_is_recorded_where_its_choices_lie(monkeypatch, unchecked):
    """PyTorch's parts that need a GPU only note on which one they are used."""
    current, used = [0], []

    @contextmanager
    def device(which):
        before, current[0] = current[0], which.index
        yield
        current[0] = before

    @contextmanager
    def capturing(graph, stream=None):
        used.append(stream)
        yield

    class Stream:
        def __init__(self):
            self.made_on = current[0]

        def wait_stream(self, other):
            assert self.made_on == other.made_on

    stand_ins = {
        "device": device,
        "current_device": lambda: current[0],
        "Stream": Stream,
        "current_stream": Stream,
        "stream": nullcontext,
        "CUDAGraph": object,
        "graph": capturing,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("cnnguide.fast.Recording", lambda *parts: parts)
    forked = []
    monkeypatch.setattr(torch.random, "fork_rng", lambda which: nullcontext(forked.extend(which)))
    net = tiny_net()
    with FakeTensorMode(allow_non_fake_inputs=True):  # knows devices, and needs none of them
        choices = Choices(*(torch.zeros(4, dtype=torch.int64, device="cuda:1") for _ in range(6)))
        steps = []
        step, record = lambda _: steps.append(current[0]), unchecked(record_step)
        record(step, choices, net, make_optimizer(net, TINY))
    assert steps == [1, 1, 1, 1] and forked == [torch.device("cuda:1")] and current == [0]
    assert [stream and stream.made_on for stream in used] == [1]  # not PyTorch's own, of GPU 0


def test_a_step_on_the_processor_is_not_recorded():
    net, choices = tiny_net(), Choices(*torch.zeros(6, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="recorded on a GPU, got choices on cpu"):
        record_step(print, choices, net, make_optimizer(net, TINY))


def test_saved_bytes_are_counted_where_there_is_no_gradient_and_change_nothing():
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Dropout(), nn.Linear(12, 5))
    expected, drawn = saved_bytes(net, 2), torch.get_rng_state()
    with torch.no_grad():
        assert saved_bytes(net, 2) == expected > 0
    assert torch.equal(torch.get_rng_state(), drawn) and net[1].num_batches_tracked == 0
    broken = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(5, 1))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        saved_bytes(broken, 2)
    assert broken[0].num_batches_tracked == 0


def test_saved_bytes_are_those_of_the_inputs_that_a_gradient_needs():
    # Conv2d keeps its input (3 * 8 * 8), ReLU its output (5 * 8 * 8), as float32
    net = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU())
    assert saved_bytes(net, 8) == 4 * (3 + 5) * 64
    before = {k: v.clone() for k, v in tiny_net().state_dict().items()}
    net = tiny_net()
    assert saved_bytes(net) > 0
    assert_close(net.state_dict(), before)


# --- several processes

SCRIPT = """
import sys
from dataclasses import replace
import torch, torch.distributed as dist
sys.path.insert(0, {tests!r})
from test_fast import few, TINY, SLOW, FastTraining
from torch import nn

dist.init_process_group("gloo")
torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
run = FastTraining(net, replace(TINY, batch_size={batch}), techniques=SLOW)
for _ in range(2):
    epoch = run.run_epoch(few(), few(20))
if dist.get_rank() == 0:
    print("LOSS", epoch.train_loss, epoch.train_accuracy, epoch.validation_loss)
dist.destroy_process_group()
"""


def train_together(tmp_path, nproc, batch):
    script = tmp_path / "together.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), batch=batch))
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        + [f"--nproc-per-node={nproc}", str(script)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_two_processes_see_each_image_once_and_take_the_same_steps(tmp_path):
    numbers = []
    for nproc in (1, 2):
        done = train_together(tmp_path, nproc, 16)
        assert done.returncode == 0, done.stderr[-2000:]
        numbers.append([float(v) for v in done.stdout.split("LOSS")[1].split()])
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-5)


def test_a_batch_too_small_to_share_is_refused(tmp_path):
    done = train_together(tmp_path, 2, 13)  # 40 = 3 * 13 + 1
    assert done.returncode != 0
    assert "an image for each process, of which there are 2; got a batch size" in done.stderr


# --- on a GPU

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@needs_gpu
def test_a_recorded_step_is_the_step_itself():
    recipe = replace(TINY, learning_rate=0.01)
    eager, recorded = (
        FastTraining(
            tiny_net(), recipe, device="cuda", techniques=replace(SLOW, fused=True, recorded=r)
        )
        for r in (False, True)
    )
    for _ in range(2):
        a, b = (run.run_epoch(few(), few(20)) for run in (eager, recorded))
        assert b.train_loss == pytest.approx(a.train_loss, rel=1e-3)
    assert set(recorded.recordings) == {16, 8}
    assert_close(recorded.model.state_dict(), eager.model.state_dict(), rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_step_is_recorded_on_the_second_gpu_too():
    losses = []
    for device in ("cpu", "cuda:0", "cuda:1"):
        techniques = replace(SLOW, fused=True, recorded=device != "cpu")
        run = FastTraining(
            tiny_net(), replace(TINY, learning_rate=0.01), device=device, techniques=techniques
        )
        losses.append([run.run_epoch(few(), few(20)).train_loss for _ in range(2)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert losses[2] == pytest.approx(losses[0], rel=1e-3)


@needs_gpu
def test_a_step_on_images_that_come_from_the_processor_is_recorded_once():
    run = FastTraining(tiny_net(), TINY, device="cuda")
    first, second = [{**run.recordings} for _ in run.fit(few(), few(20))]
    assert set(first) == {16, 8} and first == second


@needs_gpu
def test_recording_leaves_the_model_as_it_was():
    net = tiny_net().cuda()
    optimizer = make_optimizer(net, TINY)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    choices = Choices(*(torch.zeros(4, dtype=torch.int64, device="cuda") for _ in range(6)))
    x = torch.randn(4, 3, 32, 32, device="cuda")

    def step(inputs):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), inputs.image)
        loss.backward()
        optimizer.step()
        return loss.detach()

    record_step(step, choices, net, optimizer)
    assert_close(net.state_dict(), before)
    assert all((s["momentum_buffer"] == 0).all() for s in optimizer.state.values())


@needs_gpu
@pytest.mark.parametrize("recorded", [False, True])
def test_an_epoch_never_waits_for_the_gpu(recorded):
    """From the first step to the last; before them the draws go up, and after them it is read."""
    # PyTorch's average sends its count to the GPU at every step, for which it waits
    recipe, techniques = replace(TINY, average=0.0), Techniques(recorded=recorded)
    run = FastTraining(cifar_resnet18(), recipe, device="cuda", techniques=techniques)
    images, labels = (part.cuda() for part in few())
    rates = [0.01, 0.02, 0.03]
    run.train_once(images, labels, rates)  # libraries choose their kernels; steps are recorded
    known, seen = {**run.recordings}, []

    def refusing_to_wait(steps):
        torch.cuda.set_sync_debug_mode("error")
        for k in steps:
            yield k
            seen.append(k)
        torch.cuda.set_sync_debug_mode("default")

    run.progress = refusing_to_wait
    try:
        run.train_once(images, labels, rates)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert seen == [0, 1, 2] and run.recordings == known


def test_fit_and_the_fast_loop_agree_on_a_whole_run():
    recipe = replace(TINY, average=0.0, cutout=0)
    *_, plain = fit(tiny_net(), few(), few(20), recipe)
    fast = FastTraining(tiny_net(), recipe, techniques=replace(SLOW, bfloat16=plain.bfloat16))
    for _ in range(recipe.epochs):
        fast.run_epoch(few(), few(20))
    theirs, ours = ([e.train_loss for e in r.history] for r in (plain, fast))
    assert ours == pytest.approx(theirs, rel=2e-2)


# --- the schedules that the chapter compares


def test_the_recorded_schedules_are_those_of_the_plan():
    recorded = results.load("fast")["runs"]
    planned = list(schedules.plan(seeds=2))
    assert len(recorded) == len(planned) == 24
    for run in planned:
        (found,) = [known for known in recorded if run.items() <= known.items()]
        assert len(found["validation_accuracies"]) == run["epochs"]


@pytest.mark.parametrize("epochs", schedules.EPOCHS)
@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_only_schedule_rate_and_length_differ_between_the_compared_runs(schedule, epochs):
    run = {"schedule": schedule, "learning_rate": 0.2, "epochs": epochs, "seed": 0}
    recipe = schedules.recipe_of(run)
    rates = [learning_rate_at(recipe, k, steps_per_epoch=10) for k in range(10 * epochs)]
    assert max(rates) == pytest.approx(0.2, rel=0.1) and rates[-1] < 0.01
    if schedule == "steps":
        assert len(set(rates)) == 3  # both drops fall into the run
    same = replace(recipe, schedule="steps", learning_rate=0.1, epochs=1, milestones=())
    assert same == Recipe(epochs=1, batch_size=64, milestones=(), nesterov=True, padding=2)


def test_the_comparison_of_schedules_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    part = few()
    monkeypatch.setattr(schedules, "pictures", lambda: (part, part, part))
    monkeypatch.setattr(schedules, "EPOCHS", (1,))
    monkeypatch.setattr(schedules, "RATES", (0.1,))
    command = ["--seeds", "1", "--record-folder", str(tmp_path)]
    assert schedules.main(command) == 0
    written = (tmp_path / "fast.json").read_text()
    assert [run["schedule"] for run in results.load("fast", folder=tmp_path)["runs"]] == [
        "steps",
        "triangle",
    ]
    assert schedules.main(command) == 0
    assert (tmp_path / "fast.json").read_text() == written


@pytest.mark.parametrize(("dtype", "size"), [(torch.float64, 8), (torch.bfloat16, 2)])
def test_saved_bytes_are_counted_for_a_network_of_other_numbers(dtype, size):
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5, bias=False)).to(dtype)
    assert saved_bytes(model, 2) == 12 * size


def test_what_numpy_changes_is_shown_as_it_is_now():
    array = few()[0].numpy().copy()
    images, labels = torch.from_numpy(array), few()[1]
    run = FastTraining(tiny_net(), TINY, techniques=SLOW)
    run.keep_on_device(images, labels)
    array[:] = 7
    made = run.keep_on_device(images, labels)
    choices = draw_choices(len(labels), replace(TINY, padding=0), generator=torch.Generator())
    expected = data.normalise(images[choices.image], mean=TINY.mean, std=TINY.std)
    middle = made.crops[choices.image, :, TINY.padding, TINY.padding] / 255
    assert_close((middle - made.mean) / made.std, expected)


@pytest.mark.parametrize("kind", [Training, FastTraining])
@pytest.mark.parametrize("count", [0, 1, 6])
def test_other_than_one_rate_a_batch_is_refused(kind, count):
    images, labels = few()
    run = kind(tiny_net(), replace(TINY, batch_size=8))
    steps = -(-len(labels) // 8)
    assert count != steps
    with pytest.raises(ValueError, match=f"{steps} learning rates, one per batch, got {count}"):
        run.train_once(images, labels, [0.1] * count)


def test_a_run_without_an_epoch_has_nothing_to_test():
    with pytest.raises(ValueError, match="a run to test must have an epoch behind it, got none"):
        Training(tiny_net(), TINY).test(*few())

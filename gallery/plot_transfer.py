"""
When does it pay to start from ImageNet?
========================================

A network that has seen a million photographs is shown a few of CIFAR-10.
Its weights come with a package, so nothing is downloaded.
"""

# %%
# Accuracy by pictures a class
# ----------------------------
# Four ways to use the same few pictures: a linear head on ImageNet features of the pictures at 128
# pixels, the same as they are at 32 pixels, fine-tuning of the last stages from that head, and a
# small network from scratch. Fine-tuning is done twice: with BatchNorm's statistics kept, and with
# those of the batches. Three draws of the pictures; the line is the mean, the bar one standard
# deviation. Fine-tuning stops at 20 pictures a class, for the sake of time.

import time
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show, transfer
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe
from cnnguide.run import fit
from cnnguide.train import has_fast_bfloat16, seed_everything, train_epoch

show.style()
SEEDS, FAST = range(3), has_fast_bfloat16(torch.device("cpu"))
images = data.load("sample")
pool_x = torch.cat([images.train_images[images.train_labels == c] for c in range(10)])
pool_y = torch.arange(10).repeat_interleave(500)
test_x, test_y = images.test_images[::2], images.test_labels[::2]


def pretrained():
    """Cut ImageNet's network in two: what stays frozen throughout, and the last stages."""
    network = transfer.load_pretrained("package")
    first = nn.Sequential(network.conv_stem, network.bn1, network.blocks[:5])
    last = nn.Sequential(network.blocks[5:], network.conv_head, network.bn2, network.global_pool)
    return network, first, last


def run_once(pictures, size):
    """Give what the frozen part makes of the pictures at some size."""
    network, first, _ = pretrained()
    prepare = replace(transfer.Preprocessing.of(network), size=size)
    first.to(memory_format=torch.channels_last)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=FAST):
        batches = (prepare(part).contiguous(memory_format=torch.channels_last)
                   for part in pictures.split(100))  # fmt: skip
        return torch.cat([first(batch).float() for batch in batches])


def share_right(scores):
    return (scores.argmax(1) == test_y).float().mean().item()


def frozen(maps):
    """Train a linear head on the features of a network that does not change."""
    _, _, last = pretrained()
    pool_f, test_f = (transfer.cached_features(last, m.split(500)) for m in maps)

    def method(picked, seed):
        head = transfer.fit_head(pool_f[picked], pool_y[picked], num_classes=10)
        return share_right(head(test_f)), head

    return method


def fine_tuned(maps, frozen_head, *, keep_statistics):
    """Start from that head, and train the last stages with it, at a third of its rate."""

    def method(picked, seed):
        seed_everything(seed)
        parts = [pretrained()[2], frozen_head(picked, seed)[1]]
        model = transfer.PartlyFrozen(nn.Sequential(*parts), learning=2,
                                      keep_statistics=keep_statistics)  # fmt: skip
        groups = transfer.parameter_groups(parts, learning_rate=0.01, decay=0.3)
        optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4)
        pool_m, test_m = maps
        for _ in range(4):
            order = picked[torch.randperm(len(picked))].split(25)
            train_epoch(model, ((pool_m[k], pool_y[k]) for k in order), optimizer,
                        learning_rates=iter([0.01] * len(order)), bfloat16=FAST)  # fmt: skip
        return share_right(transfer.cached_features(model, test_m.split(500))), None

    return method


def scratch(picked, seed):
    seed_everything(seed)
    model = QuickNet(widths=(32, 64, 128))
    x, y = pool_x[picked], pool_y[picked]
    model.whiten(data.normalise(x))
    few = len(picked) < 1000
    recipe = Recipe(epochs=12 if few else 8, batch_size=32 if few else 100,
                    learning_rate=0.05 if few else 0.2, nesterov=True, schedule="triangle",
                    padding=2)  # fmt: skip
    *_, run = fit(model, (x, y), (x[:20], y[:20]), recipe, seed=seed)
    return run.test(test_x, test_y)["last"], None


started = time.perf_counter()
maps = {size: (run_once(pool_x, size), run_once(test_x, size)) for size in (128, 32)}
at128, at32 = frozen(maps[128]), frozen(maps[32])
print(f"features of {len(pool_x) + len(test_x):,} pictures, at both sizes: "
      f"{time.perf_counter() - started:.0f} s, once")  # fmt: skip
settings = {
    "frozen features, 128 px": (at128, (5, 20, 100, 400), "blue"),
    "fine-tuned, 128 px": (fine_tuned(maps[128], at128, keep_statistics=True), (5, 20), "green"),
    "the same, BatchNorm drifting": (
        fine_tuned(maps[128], at128, keep_statistics=False),
        (5, 20),
        "red",
    ),
    "frozen features, 32 px": (at32, (5, 20, 100, 400), "orange"),
    "from scratch, 32 px": (scratch, (5, 20, 100, 400), "grey"),
}

fig, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
for name, (method, counts, colour) in settings.items():
    means, spreads = [], []
    for count in counts:
        started, shares = time.perf_counter(), []
        for seed in SEEDS:
            generator = torch.Generator().manual_seed(seed)
            picked = torch.cat(
                [500 * c + torch.randperm(500, generator=generator)[:count] for c in range(10)]
            )
            shares.append(100 * method(picked, seed)[0])
        seconds = (time.perf_counter() - started) / len(SEEDS)
        means.append(torch.tensor(shares).mean().item())
        spreads.append(torch.tensor(shares).std().item())
        print(f"{name:28} {count:3d} a class: {means[-1]:.1f} ± {spreads[-1]:.1f} % "
              f"(n = {len(SEEDS)}), {seconds:.1f} s a run")  # fmt: skip
    axes.errorbar(counts, means, spreads, fmt="o-", capsize=3, label=name,
                  color=show.COLOURS[colour])  # fmt: skip
axes.axhline(10, linestyle=":", color="black")
axes.annotate("guessing", (400, 11), ha="right", fontsize=9)
axes.set_xscale("log")
axes.set_xticks((5, 20, 100, 400), ["5", "20", "100", "400"])
axes.minorticks_off()
axes.set(xlabel="training pictures a class", ylabel="test accuracy (%)", ylim=(0, 100))
axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12), fontsize=8)
fig.suptitle("Transfer to CIFAR-10, by the number of pictures")
plt.show()

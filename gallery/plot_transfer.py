"""
When does it pay to start from ImageNet?
========================================

A network that has seen a million photographs is shown a few of CIFAR-10.
Only a new linear head is trained, and the weights come with a package, so nothing is downloaded.
"""

# %%
# Accuracy by pictures a class
# ----------------------------
# Three ways to use the same few pictures: ImageNet features of the picture at 128 pixels, of the
# picture as it is at 32 pixels, and a small network from scratch. Three draws of the pictures; the
# line is the mean, the bar one standard deviation.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe
from cnnguide.train import fit, has_fast_bfloat16, seed_everything
from cnnguide.transfer import Frozen, cached_features, load_pretrained

show.style()
images = data.load("sample")
pool_x = images.train_images.view(10, 500, 3, 32, 32)[:, :100].flatten(0, 1)
pool_y = torch.arange(10).repeat_interleave(100)
test_x, test_y = images.test_images[::2], images.test_labels[::2]

network = load_pretrained("package").to(memory_format=torch.channels_last)
constants = {name: network.default_cfg[name] for name in ("mean", "std")}
network.classifier = nn.Identity()
backbone, fast = Frozen(network), has_fast_bfloat16(torch.device("cpu"))


def features(pictures, *, side, mean, std):
    def batches():
        for part in pictures.split(100):
            x = data.to_float(part)
            if side != 32:
                x = nn.functional.interpolate(x, (side, side), mode="bicubic", antialias=True)
            x = data.normalise(x, mean=mean, std=std)
            yield x.contiguous(memory_format=torch.channels_last)

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        return cached_features(backbone, batches()).float()


def head_accuracy(train_f, train_y, test_f):
    """Fit a linear head on standardised features, and count its right answers."""
    mean, std = train_f.mean(0), train_f.std(0) + 1e-3
    train_f, test_f = (train_f - mean) / std, (test_f - mean) / std
    head = nn.Linear(train_f.shape[1], 10)
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=40)

    def loss():
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(head(train_f), train_y)
        value = value + 0.005 * head.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return (head(test_f).argmax(1) == test_y).float().mean().item()


def scratch_accuracy(x, y, seed):
    seed_everything(seed)
    model = QuickNet(widths=(32, 64, 128))
    model.whiten(data.normalise(x))
    recipe = Recipe(
        epochs=12, batch_size=32, learning_rate=0.05, nesterov=True, schedule="triangle", padding=2
    )
    *_, run = fit(model, (x, y), (x[:20], y[:20]), recipe, seed=seed)
    return run.test(test_x, test_y)["last"]


settings = {"ImageNet features, 128 px": 128, "ImageNet features, 32 px": 32}
train_f = {k: features(pool_x, side=side, **constants) for k, side in settings.items()}
test_f = {k: features(test_x, side=side, **constants) for k, side in settings.items()}
counts = (2, 5, 20, 50)
results = {name: torch.zeros(len(counts), 3) for name in (*settings, "from scratch")}
for row, count in enumerate(counts):
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        picked = torch.cat(
            [100 * c + torch.randperm(100, generator=generator)[:count] for c in range(10)]
        )
        for name in settings:
            results[name][row, seed] = head_accuracy(
                train_f[name][picked], pool_y[picked], test_f[name]
            )
        results["from scratch"][row, seed] = scratch_accuracy(pool_x[picked], pool_y[picked], seed)

fig, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for (name, shares), colour in zip(results.items(), ("blue", "orange", "grey")):
    percent = 100 * shares
    mean, spread = percent.mean(1).tolist(), percent.std(1).tolist()
    axes.errorbar(counts, mean, spread, fmt="o-", capsize=3, label=name, color=show.COLOURS[colour])
    print(name, *(f"{m:.1f} ± {s:.1f} %" for m, s in zip(mean, spread)), sep="  ")
axes.axhline(10, linestyle=":", color="black")
axes.annotate("guessing", (50, 11), ha="right", fontsize=9)
axes.set_xscale("log")
axes.set_xticks(counts, [str(c) for c in counts])
axes.minorticks_off()
axes.set(xlabel="training pictures a class", ylabel="test accuracy (%)", ylim=(0, 100))
axes.legend(loc="upper left")
fig.suptitle("Transfer to CIFAR-10, by the number of pictures")
plt.show()

# %%
# Which classes are near each other
# ---------------------------------
# The cosine of the angle between the classes' mean features, after the mean of all is taken away.
# Nobody told this network about these ten classes, and yet animals stand with animals.

means = train_f["ImageNet features, 128 px"].view(10, 100, -1).mean(1)
means = nn.functional.normalize(means - means.mean(0), dim=1)
cosines = means @ means.T
fig, axes = plt.subplots(figsize=(6.6, 5.6), layout="constrained")
drawn = axes.imshow(cosines.numpy(), cmap="PuOr_r", vmin=-1, vmax=1)
axes.set_xticks(range(10), data.CLASSES, rotation=45, ha="right")
axes.set_yticks(range(10), data.CLASSES)
fig.colorbar(drawn, label="cosine")
fig.suptitle("Similarity of the classes' mean features")
plt.show()

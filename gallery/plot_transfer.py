"""
When does it pay to start from ImageNet?
========================================

A network that has seen a million photographs is shown a few of CIFAR-10. The runs take too long to
be made anew with this page, so the figures show runs that were recorded.
"""

# %%
# A head on two features
# ----------------------
# A cat with the features (3, 1) and a truck with (1, 3). After one step the head's border runs
# between them. A second cat with the features (2, 3) lies on the wrong side. The head alone can
# only move the border; fine-tuning also moves the points, and the arrow shows in which direction
# the loss of this cat becomes smaller.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from cnnguide import results, show

# sphinx_gallery_thumbnail_number = 2
show.style()
weights = torch.zeros(2, 2, requires_grad=True)
features, labels = torch.tensor([[3.0, 1.0], [1.0, 3.0]]), torch.tensor([0, 1])
F.cross_entropy(features @ weights.T, labels, reduction="sum").backward()
head = -weights.grad  # one step with the rate 1, from zero
wrong = torch.tensor([2.0, 3.0], requires_grad=True)
F.cross_entropy(head @ wrong, torch.tensor(0)).backward()
print("the head's weights:", head.tolist(), "gradient at (2, 3):", wrong.grad.tolist())
fig, axes = plt.subplots(figsize=(4.4, 4.0), layout="constrained")
axes.plot([0, 4], [0, 4], color=show.COLOURS["grey"], linestyle="--")
points = {"cat": (3, 1, "orange", "o"), "truck": (1, 3, "blue", "s"),
          "second cat": (2, 3, "orange", "o")}  # fmt: skip
for name, (x, y, colour, marker) in points.items():
    axes.plot(x, y, marker, ms=9, color=show.COLOURS[colour])
    axes.annotate(name, (x, y), xytext=(0, 9), textcoords="offset points", ha="center")
end = (wrong - 0.5 * wrong.grad).tolist()
axes.annotate(
    "", end, (2, 3), arrowprops={"arrowstyle": "-|>", "color": show.COLOURS["red"], "lw": 1.8}
)
axes.annotate("border", (3.55, 3.3), fontsize=9, color=show.COLOURS["grey"])
axes.set(xlim=(0, 4), ylim=(0, 4), xticks=range(5), yticks=range(5), aspect="equal",
         xlabel="feature 1", ylabel="feature 2")  # fmt: skip
fig.suptitle("Two features, and a border between two classes")
plt.show()

# %%
# Accuracy by pictures per class
# ------------------------------
# Five ways to use the same few pictures. EfficientNet-lite0 gives features of the pictures at 128
# or at 32 pixels, and a linear head is fitted on them; its last stages are fine-tuned, with
# BatchNorm's statistics kept, or drifting; and a small network learns from scratch. Where there are
# settings to choose, the one with the best mean on the validation pictures is shown. Dots are
# single draws of the pictures, a line joins the means.

record = results.load("transfer")


def runs_of(kind, **wanted):
    """Find the recorded runs of one kind."""
    return [run for run in record[kind] if wanted.items() <= run.items()]


def chosen(kind, **wanted):
    """Of the settings with the most draws, take the best one on the validation pictures."""
    settings = {}
    for run in runs_of(kind, **wanted):
        settings.setdefault((run.get("steps"), run.get("learning_rate")), []).append(run)
    most = max(map(len, settings.values()))
    complete = [runs for runs in settings.values() if len(runs) == most]
    return max(complete, key=lambda runs: percent(runs, "validation_accuracy").mean())


def percent(runs, name="test_accuracy"):
    """Give what was measured, in percent."""
    return 100 * torch.tensor([run[name] for run in runs])


ways = {
    "features, 128 px": ("features", 128, "blue", "-"),
    "fine-tuned, 128 px": ("fine-tuned", 128, "green", "-"),
    "BatchNorm drifting": ("drifting", 128, "red", "-"),
    "features, 32 px": ("features", 32, "orange", "--"),
    "from scratch, 32 px": ("scratch", None, "grey", "--"),
}
counts = (5, 20, 80, 320)


def draw_counts(axes, found, colour, line, label):
    """Draw the draws as dots, and join their means."""
    axes.plot(list(found), [scores.mean() for scores in found.values()], line,
              color=show.COLOURS[colour], label=label)  # fmt: skip
    for count, scores in found.items():
        axes.plot([count] * len(scores), scores, "o", ms=3, color=show.COLOURS[colour])
        spread = f" ± {scores.std():.1f}" if len(scores) > 1 else ""
        print(f"{label}, {count} per class: {scores.mean():.1f}{spread} % (n = {len(scores)})")
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()


fig, axes = plt.subplots(figsize=(4.8, 4.6), layout="constrained")
for label, (way, size, colour, line) in ways.items():
    wanted = {"way": way} | ({"size": size} if size else {})
    measured = sorted({run["count"] for run in runs_of("few", **wanted)})
    found = {count: percent(chosen("few", count=count, **wanted)) for count in measured}
    draw_counts(axes, found, colour, line, label)
axes.axhline(10, linestyle=":", color="black")
axes.annotate("guessing", (320, 11.5), ha="right", fontsize=9)
axes.set(xlabel="training pictures per class", ylabel="test accuracy (%)", ylim=(0, 100))
axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.14), ncols=2, fontsize=9)
fig.suptitle("Transfer to CIFAR-10, by the number of pictures")
plt.show()

# %%
# Accuracy by learning rate
# -------------------------
# A small backbone that learned six classes is fine-tuned as a whole on 20 pictures of each of four
# new ones, for 40 steps. Above: the new classes. Below: the old ones, by a head that was fitted
# anew for the backbone as it is then. The head for the new classes starts at random, or fitted on
# the features.

fig, grid = plt.subplots(2, 1, figsize=(4.8, 5.2), sharex=True, layout="constrained")
rows = (("test_accuracy", "the four new classes"), ("old_accuracy", "the six old classes"))
for axes, (name, title) in zip(grid, rows, strict=True):
    before = percent(runs_of("rates", learning_rate=0.0), name).mean()
    axes.axhline(before, linestyle=":", color="black", label="features alone")
    for start, colour, words in (("fitted", "blue", "from a fitted head"),
                                 ("random", "orange", "from a random head")):  # fmt: skip
        rates = sorted({run["learning_rate"] for run in runs_of("rates", start=start)} - {0.0})
        means = []
        for rate in rates:
            runs = [r for r in runs_of("rates", start=start, learning_rate=rate) if name in r]
            scores = percent(runs, name)
            axes.plot([rate] * len(scores), scores, "o", ms=3, color=show.COLOURS[colour])
            means.append(scores.mean().item())
            print(f"{title}, {words}, rate {rate:g}: {means[-1]:.1f} % (n = {len(scores)})")
        axes.plot(rates, means, color=show.COLOURS[colour], label=words)
    axes.set(title=title, ylabel="test accuracy (%)", ylim=(0, 100))
grid[1].set_xscale("log")
grid[1].set_xticks(rates, [f"{rate:g}" for rate in rates])
grid[1].minorticks_off()
grid[1].set_xlabel("learning rate")
grid[1].legend(loc="lower left")
fig.suptitle("What a learning rate does to new and old classes")
plt.show()

# %%
# Accuracy by stage
# -----------------
# A linear head on the mean of each stage's maps, with 20 pictures per class. Stage 0 is the stem,
# and stage 8 gives the features before the network's own head.

fig, axes = plt.subplots(figsize=(4.8, 3.2), layout="constrained")
means = []
for stage in range(9):
    runs = runs_of("depths", stage=stage)
    scores = percent(runs)
    axes.plot([stage] * len(scores), scores, "o", ms=4, color=show.COLOURS["blue"])
    means.append(scores.mean().item())
    print(f"stage {stage}, {runs[0]['channels']} features: {means[-1]:.1f} % (n = {len(scores)})")
axes.plot(means, color=show.COLOURS["blue"])
axes.set(xlabel="stage", ylabel="test accuracy (%)", xticks=range(9), ylim=(0, 100))
axes.grid(axis="y", linewidth=0.4)
fig.suptitle("A linear head on each stage")
plt.show()

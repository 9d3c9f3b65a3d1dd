"""
What is each idea worth to a small network?
===========================================

A small residual network was trained for eight epochs on the 50,000 training images of CIFAR-10,
and then again with one idea changed at a time.

The page *worth* explains the experiment and reads the picture. ``python -m benchmarks.worth`` made
and recorded the runs; they take hours.
"""

# %%
# The difference from the baseline
# --------------------------------
# The *baseline* is the training that all others are compared with. A small dot is one seed: the
# accuracy on the test images minus that of the baseline with the same seed. A large dot is their
# mean. Where there are three seeds, a line is the 95 % confidence interval. The
# grey band reaches two standard deviations of the difference between two trainings of the baseline.

import statistics

import matplotlib.pyplot as plt

from cnnguide import results, show

show.style()
GROUPS = {
    "pictures": {
        "no augmentation": "neither crop nor flip",
        "crop": "crop only",
        "flip": "flip only",
        "cutout": "cutout added",
        "mixup": "MixUp added",
        "cutmix": "CutMix added",
        "trivial": "TrivialAugment added",
        "per-image std": "wrong constants",
    },
    "labels": {"smoothing": "label smoothing"},
    "layers": {
        "no norm, 0.1": "no BatchNorm, rate 0.1",
        "biases": "biases, no BatchNorm",
        "biases, 0.1": "biases, rate 0.1",
        "biases, 0.03": "biases, rate 0.03",
        "norm after": "BatchNorm after ReLU",
        "group norm": "GroupNorm",
        "dropout": "dropout, 0.3",
        "no shortcuts": "no shortcuts",
        "deep": "23 layers",
        "deep, no shortcuts": "23 layers, no shortcuts",
    },
    "steps": {
        "half rate": "rate 0.2",
        "twice the rate": "rate 0.8",
        "steps": "two drops of the rate",
        "cosine": "cosine",
        "decay all": "decay on everything",
        "no decay": "no decay",
        "AdamW": "AdamW, rate 0.003",
        "AdamW, 0.01": "AdamW, rate 0.01",
        "Muon": "Muon, rate 0.1",
        "Muon, 0.3": "Muon, rate 0.3",
    },
}
T95 = {2: 4.30, 3: 3.18, 4: 2.78}  # Student's t: by how many standard errors, for n − 1

runs = (results.load("worth") or {"runs": []})["runs"]
scores = {}
for run in runs:
    if run["epochs"] == 8:
        scores.setdefault(run["idea"], {})[run["seed"]] = run["test_accuracy"]
base = {seed: share for seed, share in scores.pop("baseline").items() if share is not None}


def differences(idea):
    """Subtract the baseline, seed by seed, in percentage points; a run that diverged has none."""
    found = scores.get(idea, {})
    return [100 * (s - base[seed]) for seed, s in found.items() if s is not None and seed in base]


every = [(group, idea) for group, ideas in GROUPS.items() for idea in ideas]
assert {*scores} <= {idea for _, idea in every}
rows = [(group, idea) for group, idea in every if differences(idea)]
FLOOR = -8.0  # points; what is worse is written at the edge
fig, axes = plt.subplots(figsize=(4.8, 1.2 + 0.25 * len(rows)), layout="constrained")
colours = dict(zip(GROUPS, ("blue", "green", "red", "purple"), strict=True))
band = 2 * 2**0.5 * statistics.stdev(100 * share for share in base.values())
axes.axvspan(-band, band, color="0.88")
print(f"band: ± {band:.2f}, n = {len(base)}")
for height, (group, idea) in enumerate(rows):
    found, colour = differences(idea), show.COLOURS[colours[group]]
    mean = statistics.mean(found)
    text = f"{idea}: {mean:+.2f}"
    if mean < FLOOR:
        axes.annotate(f"{mean:.1f}", (FLOOR, height), va="center", color=colour)
    else:
        axes.plot(found, [height] * len(found), "o", ms=3, color=colour, alpha=0.6)
        # the table behind the figure has the seeds, and so not their mean
        axes.plot(mean, height, "o", ms=6, color=colour, label="_mark")
    if len(found) > 2:
        half = T95[len(found) - 1] * statistics.stdev(found) / len(found) ** 0.5
        axes.plot([mean - half, mean + half], [height] * 2, color=colour, lw=1.5)
        text += f" ± {half:.2f}"
    print(f"{text}, n = {len(found)}")
axes.axvline(0, color="black", lw=1)
axes.set(xlabel="difference from the baseline, in points", ylim=(len(rows) - 0.5, -0.5))
axes.set_xlim(left=FLOOR - 0.2)
axes.set_yticks(range(len(rows)), [GROUPS[group][idea] for group, idea in rows])
fig.suptitle("What one change does to the test accuracy")
plt.show()

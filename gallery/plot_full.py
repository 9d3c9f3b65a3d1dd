"""
What do the full runs reach?
============================

Two residual networks learned from all of CIFAR-10 on two processor cores.
The runs take an hour or more, so they are not made anew with this page; ``nox -s train_full`` made
and recorded them.
"""

# %%
# Accuracy over the minutes
# -------------------------
# A solid line is the accuracy on the 1,000 validation pictures after each epoch, a dotted line that
# on the training pictures of the epoch, changed as the recipe says. The star is the accuracy on the
# 10,000 test pictures, which are read once, after the last epoch.

from itertools import accumulate

import matplotlib.pyplot as plt

from cnnguide import results, show

show.style()
NETWORKS = {"resnet10": ("10 layers", "orange"), "resnet18": ("18 layers", "blue")}
fig, axes = plt.subplots(figsize=(4.8, 4), layout="constrained")
for run in results.load("train")["runs"]:
    words, colour = NETWORKS[run["model"]]
    history = run["history"]
    minutes = [seconds / 60 for seconds in accumulate(epoch["seconds"] for epoch in history)]
    validation = [100 * epoch["validation_accuracy"] for epoch in history]
    training = [100 * epoch["train_accuracy"] for epoch in history]
    test = 100 * run["test_accuracy"]["last"]
    axes.plot(minutes, validation, color=show.COLOURS[colour], label=words)
    axes.plot(minutes, training, ":", color=show.COLOURS[colour])
    axes.plot(minutes[-1], test, "*", ms=10, color=show.COLOURS[colour])
    print(f"{words}: {test:.2f} % after {len(history)} epochs, {minutes[-1]:.0f} minutes")
axes.set(xlabel="minutes", ylabel="accuracy (%)", xlim=(0, None), ylim=(25, 100))
axes.legend(loc="lower right")
fig.suptitle("Two full runs on CIFAR-10")
plt.show()

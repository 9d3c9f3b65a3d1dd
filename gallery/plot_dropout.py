"""
What does dropout change, and does it help?
===========================================

Dropping half of the activations keeps their mean and adds noise.
Whether that noise helps is a question for an experiment.
"""

# %%
# The same mean, more spread
# --------------------------
# The sum of 100 activations, each of which is 1, with dropout at three rates. Scaling by 1 / (1 −
# p) keeps the mean at 100.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.dropout import Dropout, dropout
from cnnguide.recipe import Recipe
from cnnguide.run import fit
from cnnguide.train import evaluate, seed_everything

show.style()
generator = torch.Generator().manual_seed(0)
fig, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for p, colour in ((0.1, "green"), (0.5, "blue"), (0.8, "orange")):
    sums = dropout(torch.ones(20_000, 100), p=p, generator=generator).sum(1)
    axes.hist(sums.tolist(), bins=40, density=True, alpha=0.6, color=show.COLOURS[colour],
              label=f"p = {p}: mean {sums.mean():.1f}, deviation {sums.std():.1f}")  # fmt: skip
axes.axvline(100, color=show.COLOURS["black"], linestyle=":")
axes.set(xlabel="sum of 100 activations of 1", ylabel="share of 20,000 trials per unit")
axes.legend()
fig.suptitle("Dropout keeps the mean and adds spread")
plt.show()

# %%
# A network that learns by heart
# ------------------------------
# A network of two linear layers and 1,000 pictures, with and without dropout, three seeds each:
# the line is the mean, the band runs from the lowest to the highest. Training accuracy is measured
# like validation accuracy, without dropout, so that the two can be compared.

images = data.load("sample")
chosen = torch.arange(0, 5000, 5)
train = (images.train_images[chosen], images.train_labels[chosen])
validation = (images.train_images[chosen + 1], images.train_labels[chosen + 1])
recipe = Recipe(
    epochs=15, batch_size=50, learning_rate=0.02, schedule="triangle", padding=0, flip=0
)


def accuracy(model, part):
    return evaluate(model, [(data.normalise(part[0]), part[1])]).accuracy


curves = {}
for p in (0.0, 0.5):
    for seed in range(3):
        seed_everything(seed)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(3072, 256), nn.ReLU(), Dropout(p), nn.Linear(256, 10)
        )
        for run in fit(model, train, validation, recipe, seed=seed):
            epoch = run.history[-1]
            curves.setdefault((p, "training"), []).append(accuracy(run.model, train))
            curves.setdefault((p, "validation"), []).append(epoch.validation_accuracy)

fig, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for (p, part), values in curves.items():
    lines = 100 * torch.tensor(values).view(3, recipe.epochs)
    colour = show.COLOURS["blue" if p else "orange"]
    epochs = range(1, recipe.epochs + 1)
    axes.plot(epochs, lines.mean(0).numpy(), "-" if part == "validation" else "--", color=colour,
              label=f"{part}, {'dropout 0.5' if p else 'no dropout'}")  # fmt: skip
    axes.fill_between(
        epochs, lines.amin(0).numpy(), lines.amax(0).numpy(), color=colour, alpha=0.15
    )
    print(f"{part}, p = {p}: {lines[:, -1].mean():.1f} % ± {lines[:, -1].std():.1f} (n = 3)")
axes.set(xlabel="epoch", ylabel="accuracy (%)")
axes.legend()
fig.suptitle("With and without dropout on 1,000 pictures")
plt.show()

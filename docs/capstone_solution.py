"""One solution of the capstone of cnnguide."""

import torch
from torch import nn
from torch.nn import functional as F

from cnnguide import data
from cnnguide.augment import random_crop, random_flip

EPOCHS = 15


def block(in_channels, out_channels, *, stride=1):
    """Chapters conv and norm: a convolution, BatchNorm and ReLU."""
    return [
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


def make_model():
    """Chapters pool and vgg: the side halves as the channels double."""
    return nn.Sequential(
        *block(3, 32, stride=2),  # N 32 16 16; the stride saves most of the time
        *block(32, 64),
        nn.MaxPool2d(2),  # N 64 8 8
        *block(64, 128),
        nn.MaxPool2d(2),  # N 128 4 4
        *block(128, 128),
        nn.AdaptiveMaxPool2d(1),  # N 128 1 1
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def train(model, images, labels):
    """Chapters augment and train: vary the images, and let the learning rate rise and fall."""
    batch_size, rate = 64, 0.1
    steps = EPOCHS * -(-len(labels) // batch_size)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    generator = torch.Generator().manual_seed(torch.initial_seed())
    model.train()
    for epoch in range(EPOCHS):
        loss_sum = 0.0
        for x, y in data.batches(images, labels, batch_size=batch_size, generator=generator):
            x = random_flip(random_crop(x, padding=2, generator=generator), generator=generator)
            loss = F.cross_entropy(model(data.normalise(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.item() * len(y)
        print(f"epoch {epoch + 1}: loss {loss_sum / len(labels):.3f}")

"""PyTorch's side of `train/mnist-to-320-nats`: IMLE as the preset `mnist` has it.

Each line "<steps> <file>" on stdin trains by so many steps, leaves 10,000 samples of the averaged weights in the
file (float32), and is answered with the seconds that the steps took.
Usage: python3 pytorch_imle.py THREADS SETTINGS (JSON)
"""

import copy
import json
import math
import sys
import time

import numpy
import torch

torch.set_num_threads(int(sys.argv[1]))
c = json.loads(sys.argv[2])
torch.manual_seed(c["seed"])
data = torch.from_numpy(numpy.fromfile(c["rows"], dtype=numpy.uint8).reshape(-1, 784).astype(numpy.float32) / 255)

sizes = [c["latentSize"], *c["hidden"], 784]
layers = []
for inputs, units in zip(sizes, sizes[1:]):
    last = len(layers) == 2 * len(c["hidden"])
    dense = torch.nn.Linear(inputs, units)
    torch.nn.init.normal_(dense.weight, std=math.sqrt((1 if last else 2) / inputs))
    torch.nn.init.zeros_(dense.bias)
    layers += [dense, torch.nn.Sigmoid() if last else torch.nn.ReLU()]
model = torch.nn.Sequential(*layers)
averaged = copy.deepcopy(model).requires_grad_(False)
weights, averages = list(model.parameters()), list(averaged.parameters())
adam = torch.optim.Adam(weights, betas=(c["beta1"], c["beta2"]), eps=c["epsilon"], foreach=True)


@torch.no_grad()
def sample(generator, latents):
    return torch.cat([generator(block) for block in latents.split(2048)])


@torch.no_grad()
def nearest(queries, points):
    """Exact: the smallest of ‖p‖² − 2 q·p, over one tile of points after another."""
    best = torch.full((len(queries),), math.inf)
    index = torch.zeros(len(queries), dtype=torch.long)
    for i, tile in enumerate(points.split(TILE)):
        value, at = torch.addmm((tile**2).sum(1), queries, tile.T, alpha=-2).min(1)
        closer = value < best
        best = torch.where(closer, value, best)
        index = torch.where(closer, at + i * TILE, index)
    return index


TILE = 1000  # as fast as any from 500 to 20,000


def batches():
    """Matched pairs without end: for every subset of the data a new match, and several passes over it."""
    size, count = c["batchSize"], c["subsetSize"] // c["batchSize"]
    while True:
        for subset in torch.randperm(len(data)).split(c["subsetSize"]):
            latents = torch.randn(c["poolSize"], c["latentSize"])
            matched = latents[nearest(data[subset], sample(model, latents))]
            for _ in range(c["passes"]):
                for rows in torch.randperm(len(subset))[: size * count].split(size):
                    noise = c["latentJitter"] * torch.randn(size, c["latentSize"])
                    yield matched[rows] + noise, data[subset[rows]]


def train_step(step, latents, targets):
    cosine = 0.5 * (1 + math.cos(math.pi * step / c["steps"]))
    share = c["finalLearningRateShare"] + (1 - c["finalLearningRateShare"]) * cosine
    adam.param_groups[0]["lr"] = c["learningRate"] * min(1, (step + 1) / (c["warmupSteps"] + 1)) * share
    adam.zero_grad(set_to_none=True)
    ((model(latents) - targets) ** 2).mean().backward()
    adam.step()
    with torch.no_grad():
        decay = min(c["averageDecay"], (2 + step) / (11 + step))
        torch._foreach_mul_(averages, decay)
        torch._foreach_add_(averages, weights, alpha=1 - decay)


step, pairs = 0, batches()
print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    count, path = line.split()
    start = time.perf_counter()
    for _ in range(int(count)):
        train_step(step, *next(pairs))
        step += 1
    seconds = time.perf_counter() - start
    sample(averaged, torch.randn(10_000, c["latentSize"])).numpy().tofile(path)
    print(json.dumps(seconds), flush=True)

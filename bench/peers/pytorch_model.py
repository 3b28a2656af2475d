"""PyTorch's side of `npm run bench -- train` and `-- sample`: the same models, timed on request.

Reads lines "<task> <model> <width> <batch> <count>" from stdin; answers each with a JSON list of milliseconds.
Usage: python3 pytorch_model.py THREADS
"""

import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
nn = torch.nn


def build(model, width):
    torch.manual_seed(1)
    if model == "mlp":
        return nn.Sequential(
            nn.Linear(64, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 784), nn.Sigmoid(),
        )
    return nn.Sequential(
        nn.Linear(64, 7 * 7 * 64), nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        nn.Flatten(),
    )


def train_step(model, batch):
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True)
    latents = torch.randn(batch, 64)
    targets = torch.rand(batch, 784)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = ((model(latents) - targets) ** 2).mean()
        loss.backward()
        optimiser.step()

    return step


def sample(model, batch, rows=2048):
    """In blocks: faster here than all samples at once, whose activations fall out of the cache."""
    latents = torch.randn(batch, 64)
    samples = torch.empty(batch, 784)

    def run():
        with torch.no_grad():
            for first in range(0, batch, rows):
                samples[first : first + rows] = model(latents[first : first + rows])

    return run


tasks = {"step": train_step, "sample": sample}
prepared = (None, None)
print(json.dumps({"version": torch.__version__}), flush=True)

for line in sys.stdin:
    task, model, width, batch, count = line.split()
    key = (task, model, width, batch)
    if prepared[0] != key:
        prepared = (key, tasks[task](build(model, int(width)), int(batch)))
    times = []
    for _ in range(int(count)):
        start = time.perf_counter()
        prepared[1]()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps(times), flush=True)

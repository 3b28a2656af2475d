"""PyTorch's side of `npm run bench -- train`: the same steps, timed on request.

Reads lines "<model> <batch> <steps>" from stdin; answers each with a JSON list of milliseconds per step.
Usage: python3 pytorch_step.py THREADS
"""

import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
nn = torch.nn
models = {
    "mlp": nn.Sequential(
        nn.Linear(64, 1200), nn.ReLU(),
        nn.Linear(1200, 1200), nn.ReLU(),
        nn.Linear(1200, 784), nn.Sigmoid(),
    ),
    "conv": nn.Sequential(
        nn.Linear(64, 7 * 7 * 64), nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        nn.Flatten(),
    ),
}
optimisers = {name: torch.optim.Adam(model.parameters(), lr=1e-3) for name, model in models.items()}
print(json.dumps({"version": torch.__version__}), flush=True)

for line in sys.stdin:
    name, batch, steps = line.split()
    batch, steps = int(batch), int(steps)
    model, optimiser = models[name], optimisers[name]
    latents = torch.randn(batch, 64)
    targets = torch.rand(batch, 784)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = ((model(latents) - targets) ** 2).mean()
        loss.backward()
        optimiser.step()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps(times), flush=True)

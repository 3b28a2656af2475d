"""PyTorch's side of `npm run bench -- train`: the same MLP step, timed on request.

Reads lines "<batch> <steps>" from stdin; answers each with a JSON list of milliseconds per step.
Usage: python3 pytorch_step.py THREADS
"""

import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
model = torch.nn.Sequential(
    torch.nn.Linear(64, 1200), torch.nn.ReLU(),
    torch.nn.Linear(1200, 1200), torch.nn.ReLU(),
    torch.nn.Linear(1200, 784), torch.nn.Sigmoid(),
)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
print(json.dumps({"version": torch.__version__}), flush=True)

for line in sys.stdin:
    batch, steps = map(int, line.split())
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

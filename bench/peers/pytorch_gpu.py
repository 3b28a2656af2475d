"""PyTorch's side of `npm run bench -- gpu`: the same models on the same card, timed on request.

Reads lines "<task> <mode> <model> <width> <size> <count>" from stdin, mode being eager or compiled; answers each with
a JSON list of `count` times in milliseconds, or {"failure": why}. Batches come from the host's memory, as ours do.
Ends at once where PyTorch sees no card.
"""

import json
import sys
import time

import torch

if not torch.cuda.is_available():
    sys.exit("no CUDA")

# Products in full float32, as ours.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
nn = torch.nn
BURST = 32


def build(model, width):
    torch.manual_seed(1)
    if model == "mlp":
        layers = [
            nn.Linear(64, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 784), nn.Sigmoid(),
        ]
    else:
        layers = [
            nn.Linear(64, 7 * 7 * 64), nn.ReLU(),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1), nn.Sigmoid(),
            nn.Flatten(),
        ]
    return nn.Sequential(*layers).cuda()


def step(model, batch):
    """A burst of steps, waited for once."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    latents = torch.randn(batch, 64).pin_memory()
    targets = torch.rand(batch, 784).pin_memory()

    def run():
        for _ in range(BURST):
            optimiser.zero_grad()
            z, y = latents.to("cuda", non_blocking=True), targets.to("cuda", non_blocking=True)
            ((model(z) - y) ** 2).mean().backward()
            optimiser.step()
        torch.cuda.synchronize()

    return run, BURST


def sample(model, count):
    """To the host, as ours."""
    latents = torch.randn(count, 64)

    def run():
        with torch.no_grad():
            model(latents.cuda()).cpu()

    return run, 1


def search(model, points, queries=2000, tile=8192):
    """Points are made and searched on the card; indices come back."""
    latents = torch.randn(points, 64)
    rows = torch.rand(queries, 784)

    def run():
        with torch.no_grad():
            q = rows.cuda()
            best = torch.full((queries,), float("inf"), device="cuda")
            index = torch.zeros(queries, dtype=torch.long, device="cuda")
            for first in range(0, points, tile):
                x = model(latents[first : first + tile].cuda())
                rank, at = torch.addmm((x * x).sum(1)[None], q, x.T, alpha=-2).min(1)
                index = torch.where(rank < best, at + first, index)
                best = torch.minimum(rank, best)
            index.cpu()

    return run, 1


def matrix(_, n):
    x = torch.full((n, n), 1 / n, device="cuda")

    def run():
        y = x
        for _ in range(16):
            y = y @ x
        y.sum().item()

    return run, 1


def bandwidth(_, n):
    x = torch.zeros(n, device="cuda")

    def run():
        y = x
        for _ in range(16):
            y = y + 1
        y.sum().item()

    return run, 1


tasks = {"step": step, "sample": sample, "search": search, "matrix": matrix, "bandwidth": bandwidth}
prepared = (None, None)
print(json.dumps({"version": torch.__version__, "card": torch.cuda.get_device_name()}), flush=True)

for line in sys.stdin:
    task, mode, kind, width, size, count = line.split()
    try:
        key = (task, mode, kind, width, size)
        if prepared[0] != key:
            prepared = (None, None)
            torch.cuda.empty_cache()
            model = build(kind, int(width))
            prepared = (key, tasks[task](torch.compile(model) if mode == "compiled" else model, int(size)))
        run, steps = prepared[1]
        times = []
        for _ in range(int(count)):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1000 / steps)
        print(json.dumps(times), flush=True)
    except Exception as error:  # out of memory, or no compiler for torch.compile
        print(json.dumps({"failure": str(error).split("\n")[0]}), flush=True)

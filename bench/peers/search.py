"""Exact search by PyTorch and by faiss, for `npm run bench -- search`.

Each line "<way> <queries> <points> <length> <count>" on stdin, where queries and points are files of float32 rows,
is answered with a JSON list of milliseconds. Ways: gemm, cdist, faiss.
Usage: python3 search.py THREADS
"""

import json
import sys
import time

import numpy
import torch

try:
    import faiss
except ImportError:
    faiss = None

threads = int(sys.argv[1])
torch.set_num_threads(threads)
if faiss:
    faiss.omp_set_num_threads(threads)


def gemm(queries, points, tile=1000):
    """The smallest of ‖p‖² − 2 q·p, over one tile of points after another: as fast as any tile from 500 to 20,000."""
    best = torch.full((len(queries),), float("inf"))
    index = torch.zeros(len(queries), dtype=torch.long)
    for i, part in enumerate(points.split(tile)):
        value, at = torch.addmm((part**2).sum(1), queries, part.T, alpha=-2).min(1)
        closer = value < best
        best = torch.where(closer, value, best)
        index = torch.where(closer, at + i * tile, index)
    return index


def cdist(queries, points, tile=1000):
    return torch.cat([torch.cdist(part, points).argmin(1) for part in queries.split(tile)])


def flat(queries, points):
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points.numpy())
    return index.search(queries.numpy(), 1)[1][:, 0]


def read(path, length):
    return torch.from_numpy(numpy.fromfile(path, dtype=numpy.float32).reshape(-1, length))


ways = {"gemm": gemm, "cdist": cdist, "faiss": flat}
prepared = (None, None)
print(json.dumps({"torch": torch.__version__, "faiss": faiss and faiss.__version__}), flush=True)

for line in sys.stdin:
    way, queries, points, length, count = line.split()
    key = (queries, points, length)
    if prepared[0] != key:
        prepared = (key, [read(path, int(length)) for path in (queries, points)])
    times = []
    with torch.no_grad():
        for _ in range(int(count)):
            start = time.perf_counter()
            ways[way](*prepared[1])
            times.append((time.perf_counter() - start) * 1000)
    print(json.dumps(times), flush=True)

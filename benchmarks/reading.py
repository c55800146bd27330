"""Times reading NYUv2's test split from disk: pictures, labels, normals and depth.

    python -m benchmarks.reading                        # 654 pictures of 480×640, 2 workers
    python -m benchmarks.reading --folder DATA          # on a user's own files

Without a folder it first writes files in the published formats (2.4 GB, in a temporary folder),
with 654 test pictures rendered by `rooms` and made noisy like photographs, and one for training.
Each round reads the split once as batches, with and without workers in turn.

Exit code 1 if memory grows by more than 5 % from the second round to the last.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import scipy.io
from PIL import Image

from benchmarks._report import finish, parser_of, row
from keras_mtl.datasets import nyuv2, rooms

BAR = 60
GROWTH = 0.05
TASKS = ("segmentation", "normals", "depth")
HEIGHT, WIDTH, TEST = 480, 640, 654
DIFFERENT = 12


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--folder", help="NYUv2's files; made up by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if args.folder is not None:
        return finish(measure(args.folder, args.rounds, args.workers), args.json)
    from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder

    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder))
        with mock.patch.object(nyuv2_dataset_builder, "COUNTS", {"train": 1, "test": TEST}):
            return finish(measure(folder, args.rounds, args.workers), args.json)


def measure(folder, rounds, workers):
    """Prints speed and memory; returns rows of both."""
    started = time.perf_counter()
    count = len(nyuv2.load("test", folder)["image"])
    print(f"{count} pictures prepared, or found prepared, in {time.perf_counter() - started:.0f} s")
    options = {"as_arrays": False, "tasks": TASKS, "batch_size": 8, "max_queue_size": 4}
    speeds, memory = {1: [], workers: []}, []
    for number in range(rounds):
        for each, found in speeds.items():
            batches = nyuv2.load("test", folder, workers=each, **options)
            started = time.perf_counter()
            for index in range(len(batches)):
                batches[index]
            found.append(count / (time.perf_counter() - started))
            del batches
        memory.append(resident())
        print(
            f"round {number + 1}: {speeds[1][-1]:.0f} pictures/s, with {workers} workers "
            f"{speeds[workers][-1]:.0f}; {memory[-1]:.0f} MB in memory",
            flush=True,
        )
    speed = statistics.median(speeds[workers])
    growth = memory[-1] / memory[min(1, rounds - 1)] - 1
    print(f"median {speed:.0f} pictures/s (bar {BAR}), memory {growth:+.1%} (bar {GROWTH:.0%})")
    each = {"one": speeds[1], "all": speeds[workers]}
    found = [dict(zip(each, pair, strict=True)) for pair in zip(*each.values(), strict=True)]
    sizes = [{"last": memory[-1], "second": memory[min(1, rounds - 1)]}]
    case, over = f"reading {count} pictures", f"{workers} threads to one"
    return [
        row(case, over, found, "all", "one", unit="pictures/s"),
        row(case, "memory of last round to second", sizes, "last", "second", 1 + GROWTH, unit="MB"),
    ]


def resident():
    """Memory of this process that is no file's, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def write_files(folder):
    """Writes NYUv2's files as they are published, with one training picture."""
    loaded = rooms.load("test", WIDTH, DIFFERENT)
    rows = slice((WIDTH - HEIGHT) // 2, (WIDTH + HEIGHT) // 2)
    pictures = {name: loaded[name][:, rows] for name in ("image", "normals", "depth")}
    labels = loaded["segmentation"][:, rows].astype("uint16") + 1
    labels[labels > 255] = 0
    rng = np.random.default_rng(0)
    count = TEST + 1
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w", userblock_size=512) as file:
        file.create_dataset("images", (count, 3, WIDTH, HEIGHT), "uint8")
        for name, dtype in {
            "labels": "uint16",
            "depths": "float32",
            "rawDepths": "float32",
        }.items():
            file.create_dataset(name, (count, WIDTH, HEIGHT), dtype)
        for number in range(count):
            like = number % DIFFERENT
            noisy = pictures["image"][like] + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
            depth = pictures["depth"][like] + rng.normal(0, 0.01, (HEIGHT, WIDTH))
            file["images"][number] = noisy.clip(0, 255).astype("uint8").transpose(2, 1, 0)
            file["labels"][number] = labels[like].T
            file["depths"][number] = depth.T
            file["rawDepths"][number] = np.where(rng.random(depth.shape) < 0.8, depth, 0).T
    numbers = np.arange(1, count + 1)[:, None]
    splits = {"trainNdxs": numbers[:1], "testNdxs": numbers[1:]}
    scipy.io.savemat(folder / "splits.mat", splits)
    mapping = np.arange(894)[None] % 40 + 1
    scipy.io.savemat(folder / "classMapping40.mat", {"mapClass": mapping})
    struct = np.zeros((1, 1), [("labels13", object)])
    struct[0, 0] = (mapping[:, :40] % 13 + 1,)
    scipy.io.savemat(folder / "class13Mapping.mat", {"classMapping13": struct})
    for split, of_split in {"train": numbers[:1], "test": numbers[1:]}.items():
        (folder / "nyu_normals_gt" / split).mkdir(parents=True)
        for number in of_split.ravel().tolist():
            normals = pictures["normals"][(number - 1) % DIFFERENT][..., ::-1]
            pixels = np.rint((normals + 1) * 127.5).astype("uint8")
            path = folder / "nyu_normals_gt" / split / f"{number:05d}.png"
            Image.fromarray(pixels).save(path, compress_level=1)


if __name__ == "__main__":
    sys.exit(main())

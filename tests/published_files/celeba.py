"""CelebA's files in their published formats, of a few pictures whose contents are known."""

import numpy as np
from PIL import Image

from keras_mtl.datasets.celeba import ATTRIBUTES

HEIGHT, WIDTH = 22, 18
SPLITS = {"train": (1, 2, 3, 6), "validation": (4,), "test": (5, 7)}  # numbers of files, from 1


def write_celeba(folder, rng, splits=SPLITS):
    """Writes the files; returns what they encode, dicts of arrays (N, ...), picture by picture."""
    count = sum(map(len, splits.values()))
    colors = rng.integers(0, 256, (count, 2, 3), "uint8")
    truth = {
        # Two halves of one colour each: JPEG keeps these almost as they are.
        "image": np.repeat(colors, HEIGHT // 2, axis=1)[:, :, None].repeat(WIDTH, axis=2),
        "attributes": rng.integers(0, 2, (count, 40), "uint8"),
    }
    truth["attributes"][3, :2] = 0, 1
    (folder / "img_align_celeba").mkdir()
    lines, parts = [str(count), " ".join(ATTRIBUTES) + " "], []
    for number in range(1, count + 1):
        name = f"{number:06d}.jpg"
        pixels = truth["image"][number - 1]
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name, quality=100, subsampling=0)
        values = truth["attributes"][number - 1]
        lines.append(f"{name} " + " ".join(" 1" if value else "-1" for value in values))
        part = next(place for place, split in enumerate(splits) if number in splits[split])
        parts.append(f"{name} {part}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return truth


def shrink_celeba(monkeypatch, splits=SPLITS):
    """Makes the reader expect as many and as large pictures as `write_celeba` writes."""
    from keras_mtl.datasets.celeba import celeba_dataset_builder as builder

    monkeypatch.setattr(builder, "HEIGHT", HEIGHT)
    monkeypatch.setattr(builder, "WIDTH", WIDTH)
    monkeypatch.setattr(builder, "COUNTS", {split: len(each) for split, each in splits.items()})

"""Pictures with labels of three tasks, of which the page of the docs is: what should they share?

    python docs/example/photos.py photos
    KERAS_BACKEND=jax keras-mtl compare photos --labels photos/labels.csv --size 48 \
      --contenders "hard sharing" --seeds 5 --folder docs/example

A veil lies over a part of each photograph. How large it is and how far it seems are both told by
the mask, which says far more of a picture than they do: so they should gain from it, with as few
pictures as there are to learn from. A tenth of all labels is missing.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

MISSING = 0.1
PARTS = {"train": 100, "validation": 50, "test": 150}


def make(folder):
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    photographs = [getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee")]
    rng, rows = np.random.default_rng(0), []
    for number, part in enumerate(part for part, count in PARTS.items() for _ in range(count)):
        photograph = photographs[rng.integers(len(photographs))]
        side = rng.integers(96, 200)
        top, left = (rng.integers(0, length - side) for length in photograph.shape[:2])
        cut = Image.fromarray(photograph[top : top + side, left : left + side])
        picture = np.asarray(cut.resize(rng.integers(60, 100, 2).tolist()))
        mask = veil(rng, *picture.shape[1::-1])
        veiled = 0.3 * picture + 0.7 * rng.uniform(0, 255, 3)
        pixels = np.where(mask[..., None], veiled, picture).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{number:03}.jpg", quality=92)
        Image.fromarray(mask).save(folder / "masks" / f"{number:03}.png")
        share = 100 * mask.mean()
        distance = "close" if share > 20 else "near" if share > 8 else "far"
        cells = [f"{share:.1f}", distance, f"masks/{number:03}.png"]
        cells = [cell if rng.random() > MISSING else "" for cell in cells]
        rows.append([f"{number:03}.jpg", part, *cells])
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "split", "size", "distance", "mask"], *rows])


def veil(rng, width, height):
    """A disc, a square or a triangle somewhere: uint8 (height, width), 1 within it."""
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    radius = rng.uniform(0.1, 0.45) * min(width, height)
    x, y = rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)
    shape = rng.integers(3)
    if shape == 0:
        draw.circle((x, y), radius, fill=1)
    else:
        turned = int(rng.integers(0, 60))
        draw.regular_polygon((x, y, radius), 4 if shape == 1 else 3, turned, fill=1)
    return np.asarray(mask)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

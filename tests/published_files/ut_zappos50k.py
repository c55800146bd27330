"""UT-Zappos50K's files in their published formats, of a few pictures whose contents are known."""

import csv
import itertools

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 10, 14
COUNT = 30
ODD = 4  # the shoe whose picture is of another size, and grey
HEADER = "CID,Category,SubCategory,HeelHeight,Insole,Closure,Gender,Material,ToeStyle".split(",")
CATEGORIES = ("Boots", "Shoes", "Slippers")
CLOSURES = ("", "Lace up", "Lace up;Zipper", "Slip-On")
SPLITS = {"train": range(2, 20), "val": range(20, 24), "test": range(24, 30)}


def write_ut_zappos50k(folder, rng, triplets=True):
    """Writes the files; returns what they encode, by shoe, and the triplets, of lines' numbers."""
    colors = rng.integers(0, 256, (COUNT, 3), "uint8")
    colors[ODD] = colors[ODD, 0]
    # Two colours each of fifteen shoes, the numbers of the products not in order.
    cids = [f"{7000 - 37 * (row // 2)}-{row % 2 + 5}" for row in range(COUNT)]
    rows = [
        [cid, CATEGORIES[row % 3], "Oxfords", "", "", CLOSURES[row % 4], "Men;Women", "", "Round"]
        for row, cid in enumerate(cids)
    ]
    rows[0][3], rows[3][3] = "1in - 1 3/4in", "Flat"
    rows[1][6] = "Girls"
    (folder / "ut-zap50k-data").mkdir()
    with (folder / "ut-zap50k-data" / "meta-data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    paths = []
    for row, cid in enumerate(cids):
        # As it is on disk, and as the lists spell it.
        place = f"{CATEGORIES[row % 3]}/Oxfords/Brand Inc"
        name = f"{cid.replace('-', '.')}.jpg"
        paths.append(f"{place}./{name}")
        path = folder / "ut-zap50k-images" / f"{place}%2E" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (HEIGHT, WIDTH) if row != ODD else (8, 8)
        picture = Image.fromarray(np.broadcast_to(colors[row], (*size, 3)).copy())
        picture.convert("L" if row == ODD else "RGB").save(path, quality=100, subsampling=0)
    truth = {"color": colors, "cid": cids, "row": rng.permutation(COUNT), "triplets": {}}
    if triplets:
        (folder / "filenames.json").write_text("".join(f"{paths[row]}\n" for row in truth["row"]))
        (folder / "tripletlists").mkdir()
        for name, split in itertools.product(("class", "closure", "gender", "heel"), SPLITS):
            lines = np.stack([rng.permutation(SPLITS[split])[:3] for _ in range(20)])
            truth["triplets"][name, split] = lines
            path = folder / "tripletlists" / f"{name}_tripletlist_{split}.txt"
            np.savetxt(path, lines, "%d")
    return truth


def shrink_ut_zappos50k(monkeypatch):
    """Makes the reader expect as many pictures as `write_ut_zappos50k` writes."""
    from keras_mtl.datasets.ut_zappos50k import ut_zappos50k_dataset_builder as builder

    monkeypatch.setattr(builder, "COUNT", COUNT)

"""The triplets of conditional similarity networks."""

import numpy as np

from keras_mtl._checks import check_triplets

from .._existing import existing
from .properties import PROPERTIES

FILES = {"train": "train", "validation": "val", "test": "test"}
SOURCE = (
    "of the triplets of conditional similarity networks (Veit et al., CVPR 2017); see the README "
    "of this data set"
)


def read_triplets(data_dir, split, cids):
    """A dict from property to the triplets (P, 3) of a split: anchor, positive, negative.

    Args:
        data_dir: Folder of the published files.
        split: One of `FILES`.
        cids: The shoes in the order whose positions, from 0, the triplets come in.
    """
    rows = {cid: row for row, cid in enumerate(cids)}
    path = existing(data_dir / "filenames.json", SOURCE)
    # One path a line, despite its name. Folders, some named as brands with accents, do not matter.
    lines = path.read_text("utf-8-sig", errors="replace").replace("\\", "/").splitlines()
    names = [line.split("/")[-1] for line in lines if line.strip()]
    names = [name.strip().removesuffix(".jpg").replace(".", "-") for name in names]
    wrong = [name for name in names if name not in rows]
    if wrong or not names:
        raise ValueError(
            f"{path} must hold the paths of pictures of meta-data.csv, one a line. "
            f"Received: {len(names)}, {len(wrong)} of them others, such as {wrong[:1]}."
        )
    rows = np.array([rows[name] for name in names])
    return {name: _read_list(data_dir, name, split, rows) for name in PROPERTIES}


def _read_list(data_dir, name, split, rows):
    path = existing(data_dir / "tripletlists" / f"{name}_tripletlist_{FILES[split]}.txt", SOURCE)
    try:
        triplets = np.loadtxt(path, dtype=int, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path} must hold three integers a line: {error}") from error
    check_triplets(str(path), triplets, len(rows))
    return rows[triplets[:, [0, 2, 1]]]  # The file has the far one first.

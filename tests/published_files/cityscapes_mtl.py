"""Cityscapes' files in their published formats, of a few pictures whose contents are known."""

import json

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 32, 64
# In the order of the reader: by city, sequence and frame.
NAMES = {
    "train": ("aachen_000000_000019", "aachen_000001_000019", "ulm_000000_000019"),
    "validation": ("munster_000000_000019", "munster_000007_000019"),
}
FOLDERS = {"train": "train", "validation": "val"}


def write_cityscapes(folder, rng, names=NAMES):
    """Writes the files; returns what they encode, dicts of arrays (N, ...) by split."""
    truth = {}
    for split, of_split in names.items():
        shape = (len(of_split), HEIGHT, WIDTH)
        labels = rng.integers(0, 34, shape, "uint8")
        labels[:, 0, :2] = 255  # a number plate
        # The second object of each label from 24 on, or a group.
        groups = (labels < 24) | (labels == 255) | (rng.random(shape) < 0.3)
        disparity = np.where(rng.random(shape) < 0.8, rng.integers(0, 65536, shape), 0)
        disparity[:, 1, :2] = 1  # infinitely far
        truth[split] = {
            "image": rng.integers(0, 256, (*shape, 3), "uint8"),
            "labels": labels,
            "instances": np.where(groups, labels, labels.astype(int) * 1000 + 1).astype("uint16"),
            "disparity": disparity.astype("uint16"),
            "baseline": rng.uniform(0.2, 0.23, len(of_split)),
            "focal_length": rng.uniform(2250, 2270, len(of_split)),
        }
        for row, name in enumerate(of_split):
            _write_picture(folder, split, name, {k: v[row] for k, v in truth[split].items()})
    # There, but not read.
    (folder / "leftImg8bit" / "test" / "berlin").mkdir(parents=True)
    return truth


def file_of(folder, kind, split, name):
    """The path of one of a picture's files, such as "gtFine_labelIds.png"."""
    city = name.split("_")[0]
    return folder / kind.split("_")[0].split(".")[0] / FOLDERS[split] / city / f"{name}_{kind}"


def _write_picture(folder, split, name, truth):
    arrays = {
        "leftImg8bit.png": truth["image"],
        "gtFine_labelIds.png": truth["labels"],
        "gtFine_instanceIds.png": truth["instances"],
        "disparity.png": truth["disparity"],
    }
    for kind, values in arrays.items():
        path = file_of(folder, kind, split, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
    path = file_of(folder, "camera.json", split, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    camera = {
        "extrinsic": {"baseline": truth["baseline"], "pitch": 0.038, "x": 1.7},
        "intrinsic": {"fx": truth["focal_length"], "fy": 2265.3, "u0": 1097.0, "v0": 513.1},
    }
    path.write_text(json.dumps(camera))


def shrink_cityscapes(monkeypatch, names=NAMES):
    """Makes the reader expect as many and as large pictures as `write_cityscapes` writes."""
    from keras_mtl.datasets.cityscapes_mtl import cityscapes_mtl_dataset_builder as builder

    monkeypatch.setattr(builder, "HEIGHT", HEIGHT)
    monkeypatch.setattr(builder, "WIDTH", WIDTH)
    monkeypatch.setattr(builder, "COUNTS", {split: len(each) for split, each in names.items()})

"""NYUv2's files in their published formats, of a few pictures whose contents are known."""

import h5py
import numpy as np
import scipy.io
from PIL import Image

HEIGHT, WIDTH = 48, 64
TRAIN, TEST = (2, 4, 5), (1, 3)  # from 1, as in the file
NAMES_13 = ("Bed", "Books", "Ceiling", "Chair")


def write_nyuv2(folder, rng, train=TRAIN, test=TEST):
    """Writes the files; returns what they encode, dicts of arrays (N, ...), picture by picture."""
    count = len(train) + len(test)
    truth = {
        "image": rng.integers(0, 256, (count, HEIGHT, WIDTH, 3), "uint8"),
        "labels": rng.integers(0, 895, (count, HEIGHT, WIDTH), "uint16"),
        "depth": rng.uniform(0.7, 9.9, (count, HEIGHT, WIDTH)).astype("float32"),
    }
    truth["labels"][:, :2] = 0
    truth["measured"] = rng.random((count, HEIGHT, WIDTH)) < 0.9
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w", userblock_size=512) as file:
        # MATLAB is column-major: HDF5 has its axes in reverse order.
        file["images"] = truth["image"].transpose(0, 3, 2, 1)
        file["labels"] = truth["labels"].transpose(0, 2, 1)
        file["depths"] = truth["depth"].transpose(0, 2, 1)
        file["rawDepths"] = np.where(truth["measured"], truth["depth"], 0).transpose(0, 2, 1)
    splits = {"trainNdxs": np.array(train)[:, None], "testNdxs": np.array(test)[:, None]}
    scipy.io.savemat(folder / "splits.mat", splits)
    truth["to_40"] = rng.integers(1, 41, 894).astype("uint8")
    scipy.io.savemat(folder / "classMapping40.mat", {"mapClass": truth["to_40"][None]})
    truth["to_13"] = rng.integers(1, 14, 40).astype("uint8")
    struct = np.zeros((1, 1), [("labels13", object), ("names", object)])
    struct[0, 0] = (truth["to_13"][None], np.array([NAMES_13], object))
    scipy.io.savemat(folder / "class13Mapping.mat", {"classMapping13": struct})
    normals = rng.normal(size=(count, HEIGHT, WIDTH, 3))
    truth["normals"] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    for split, numbers in {"train": train, "test": test}.items():
        (folder / "nyu_normals_gt" / split).mkdir(parents=True)
        for number in numbers:
            pixels = np.rint((truth["normals"][number - 1][..., ::-1] + 1) * 127.5).astype("uint8")
            Image.fromarray(pixels).save(folder / "nyu_normals_gt" / split / f"{number:05d}.png")
    return truth


def shrink_nyuv2(monkeypatch, train=TRAIN, test=TEST):
    """Makes the reader expect as many and as large pictures as `write_nyuv2` writes."""
    from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder as builder

    monkeypatch.setattr(builder, "HEIGHT", HEIGHT)
    monkeypatch.setattr(builder, "WIDTH", WIDTH)
    monkeypatch.setattr(builder, "COUNTS", {"train": len(train), "test": len(test)})

"""Taskonomy's files in their published formats, of a few views whose contents are known."""

import numpy as np
from PIL import Image

SIDE = 32
# By split, in the order of the reader: building, point, view.
VIEWS = {
    "train": (("adairsville", 2, 0), ("adairsville", 10, 1), ("adairsville", 10, 2), ("uno", 0, 3)),
    "validation": (("beach", 7, 11),),
    "test": (("cabin", 0, 0), ("cabin", 0, 1)),
}
# Not in the order of the alphabet, as published.
LIST = "id,train,val,test\runo,1,0,0\rcabin,0,0,1\radairsville,1,0,0\rbeach,0,1,0\r"
DOMAINS = {
    "image": ("rgb", "rgb"),
    "labels": ("segment_semantic", "segmentsemantic"),
    "normals": ("normal", "normal"),
    "depth": ("depth_zbuffer", "depth_zbuffer"),
    "keypoints": ("keypoints2d", "keypoints2d"),
    "edges": ("edge_texture", "edge_texture"),
}


def write_taskonomy(folder, rng, subset="tiny", views=VIEWS):
    """Writes the files; returns what they hold, dicts of arrays (N, ...) by split."""
    buildings = {building for of_split in views.values() for building, _, _ in of_split}
    lines = [line for line in LIST.split("\r") if line.split(",")[0] in {"id", "", *buildings}]
    (folder / f"train_val_test_{subset}.csv").write_bytes("\r".join(lines).encode())
    truth = {}
    for split, of_split in views.items():
        shape = (len(of_split), SIDE, SIDE)
        normals = rng.normal(size=(*shape, 3))
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        normals[..., 2] = -np.abs(normals[..., 2])  # facing the camera
        encoded = np.rint((normals + 1) * 127.5).astype("uint8")
        encoded[:, 0] = 128  # no surface
        depth = rng.integers(200, 5000, shape, "uint16")
        depth[:, 0] = 65535
        truth[split] = {
            "image": rng.integers(0, 256, (*shape, 3), "uint8"),
            "labels": rng.integers(0, 18, shape, "uint8"),
            "normals": encoded,
            "depth": depth,
            "keypoints": rng.integers(0, 400, shape, "uint16"),
            "edges": rng.integers(0, 6000, shape, "uint16"),
            "vectors": normals,
        }
        for row, view in enumerate(of_split):
            for feature in DOMAINS:
                path = file_of(folder, feature, view)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(truth[split][feature][row]).save(path)
    return truth


def file_of(folder, feature, view):
    """The path of a feature's file of a view (building, point, view)."""
    building, point, number = view
    domain, spelling = DOMAINS[feature]
    name = f"point_{point}_view_{number}_domain_{spelling}.png"
    return folder / domain / "taskonomy" / building / name


def shrink_taskonomy(monkeypatch):
    """Makes the reader expect pictures of the size that `write_taskonomy` writes."""
    from keras_mtl.datasets.taskonomy import taskonomy_dataset_builder as builder

    monkeypatch.setattr(builder, "SIDE", SIDE)

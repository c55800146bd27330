"""NYUv2 for TFDS, from the files as they are published."""

from functools import partial

import numpy as np
import tensorflow_datasets as tfds

from keras_mtl._extra import extra

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded, png
from .._published import checked_picture
from .._read_mat import read_mat
from .classes import CLASSES_13, CLASSES_40

HEIGHT, WIDTH = 480, 640
COUNTS = {"train": 795, "test": 654}
NUM_RAW_CLASSES = 894

LABELED = "nyu_depth_v2_labeled.mat"
SOURCES = {
    LABELED: "the labelled data of NYU Depth V2 (Silberman et al., New York University)",
    "splits.mat": "the official split, of the same project",
    "classMapping40.mat": "the 40 classes of Gupta et al., of the repository "
    "ankurhanda/nyuv2-meta-data",
    "class13Mapping.mat": "the 13 classes of Couprie et al., of the repository "
    "ankurhanda/nyuv2-meta-data",
    "nyu_normals_gt": "the folder of surface normals of Ladický et al. (ECCV 2014), that "
    "nyu_normals_gt.zip unpacks to",
}


class Builder(ManualBuilder):
    """Pictures, two maps of labels, normals and depth; `valid` tells where depth was measured."""

    def _features(self):
        return {
            "image": encoded((HEIGHT, WIDTH, 3)),
            # 0 where there is no label.
            "labels_13": encoded((HEIGHT, WIDTH, 1)),
            "labels_40": encoded((HEIGHT, WIDTH, 1)),
            "normals": encoded((HEIGHT, WIDTH, 3)),
            "valid": encoded((HEIGHT, WIDTH, 1)),
            # Compressed they are hardly smaller, and take as long to read as a picture.
            "depth": tfds.features.Tensor(
                shape=(HEIGHT, WIDTH), dtype=np.float32, encoding="bytes"
            ),
        }

    def _splits(self, folder):
        for name, source in SOURCES.items():
            existing(folder / name, source, folder=name == "nyu_normals_gt")
        splits = read_splits(folder / "splits.mat")
        maps = {
            "labels_40": read_mapping(folder / "classMapping40.mat", len(CLASSES_40)),
            "labels_13": read_mapping(folder / "class13Mapping.mat", len(CLASSES_13)),
        }
        maps["labels_13"] = maps["labels_13"][maps["labels_40"]]
        _check_labeled(folder / LABELED)
        return {
            split: (numbers.tolist(), partial(_example, folder, split, maps))
            for split, numbers in splits.items()
        }


def read_splits(path):
    """A dict from split to the positions of its pictures, from 0; the file counts from 1."""
    content = read_mat(path)
    found = {}
    for split, count in COUNTS.items():
        numbers = _numbers(path, content, f"{split}Ndxs")
        if len(numbers) != count:
            raise ValueError(
                f"{path}: {split}Ndxs must hold {count} numbers. Received: {len(numbers)}."
            )
        found[split] = numbers
    numbers = np.sort(np.concatenate(list(found.values())))
    if not np.array_equal(numbers, np.arange(1, sum(COUNTS.values()) + 1)):
        raise ValueError(
            f"{path} must hold each number from 1 to {sum(COUNTS.values())} once. Received: "
            f"numbers from {numbers[0]} to {numbers[-1]}, {len(np.unique(numbers))} of them "
            "different."
        )
    return {split: numbers.astype(int) - 1 for split, numbers in found.items()}


def read_mapping(path, num_classes):
    """What a label becomes: (labels + 1,), of which 0 stays 0, no label."""
    content = read_mat(path)
    if num_classes == len(CLASSES_40):
        mapping, length = _numbers(path, content, "mapClass"), NUM_RAW_CLASSES
    else:
        fields, length = _entry(path, content, "classMapping13"), len(CLASSES_40)
        if not isinstance(fields, dict) or not fields:
            raise ValueError(f"{path}: classMapping13 must be a struct with fields.")
        name = "labels13" if "labels13" in fields else next(iter(fields))
        mapping = _numbers(path, fields, name)
    if len(mapping) != length or not np.isin(mapping, np.arange(num_classes + 1)).all():
        raise ValueError(
            f"{path} must map {length} labels to 1 to {num_classes}, or 0. "
            f"Received: {len(mapping)} numbers, {np.unique(mapping)[:50].tolist()}."
        )
    return np.concatenate([[0], mapping]).astype("uint8")


def _opened(path):
    h5py = extra("Reading NYUv2 needs h5py", "data", "h5py")
    try:
        return h5py.File(path)
    except OSError as error:
        raise ValueError(f"{path} must be a whole HDF5 file (MATLAB 7.3): {error}") from error


def _check_labeled(path):
    with _opened(path) as file:
        for name, channels in {"images": (3,), "labels": (), "depths": (), "rawDepths": ()}.items():
            # MATLAB's axes come out in reverse order.
            expected = (sum(COUNTS.values()), *channels, WIDTH, HEIGHT)
            shape = file[name].shape if name in file else None
            if shape != expected:
                raise ValueError(f"{path}: {name} must have shape {expected}. Received: {shape}.")


def _example(folder, split, maps, number):
    """A picture by its position, from 0."""
    path = folder / LABELED
    with _opened(path) as file:
        image, labels, depth, measured = (
            np.ascontiguousarray(file[name][number].T)
            for name in ("images", "labels", "depths", "rawDepths")
        )
    if labels.max() > NUM_RAW_CLASSES:
        raise ValueError(
            f"{path}: labels must be at most {NUM_RAW_CLASSES}. "
            f"Received: {labels.max()} in picture {number + 1}."
        )
    normals = existing(
        folder / "nyu_normals_gt" / split / f"{number + 1:05d}.png",
        f"the normals of picture {number + 1}; see the README of this data set",
    )
    return {
        "image": png(image),
        **{name: png(mapping[labels]) for name, mapping in maps.items()},
        "normals": checked_picture(normals, "RGB", (HEIGHT, WIDTH)),
        "valid": png(np.where(measured > 0, 255, 0).astype("uint8")),
        "depth": depth.astype("float32"),
    }


def _entry(path, content, name):
    if name not in content:
        known = [key for key in content if not key.startswith("__")]
        raise ValueError(f"{path} must hold {name}. Received: {known}.")
    return content[name]


def _numbers(path, content, name):
    """A variable's numbers (N,), or those of a field of a struct."""
    numbers = _entry(path, content, name)
    if not isinstance(numbers, np.ndarray):
        raise ValueError(f"{path}: {name} must be an array of numbers.")
    return numbers.ravel()

"""Cityscapes for TFDS, from the files as they are published."""

import json

import numpy as np
import tensorflow_datasets as tfds

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded
from .._published import MODES_16, checked_picture, read_text
from .._scaling import Scaling

HEIGHT, WIDTH = 1024, 2048
COUNTS = {"train": 2975, "validation": 500}
FOLDERS = {"train": "train", "validation": "val"}

# 255 is -1, number plates.
LABELS = (*range(34), 255)
# Feature, folder, end of the files' names and what Pillow calls their pixels.
FILES = (
    ("image", "leftImg8bit", "_leftImg8bit.png", "RGB"),
    ("labels", "gtFine", "_gtFine_labelIds.png", "L"),
    ("instances", "gtFine", "_gtFine_instanceIds.png", MODES_16),
    ("disparity", "disparity", "_disparity.png", MODES_16),
    ("camera", "camera", "_camera.json", None),
)


class Builder(ManualBuilder):
    """Pictures, labels, instances and disparities, and of the cameras what makes these depths."""

    def _features(self):
        return {
            "image": encoded((HEIGHT, WIDTH, 3)),
            "labels": encoded((HEIGHT, WIDTH, 1)),
            "instances": encoded((HEIGHT, WIDTH, 1), np.uint16),
            # 1 + 256 times the pixels; 0 where unknown.
            "disparity": encoded((HEIGHT, WIDTH, 1), np.uint16),
            # Metres and pixels.
            "baseline": tfds.features.Scalar(np.float32),
            "focal_length": tfds.features.Scalar(np.float32),
        }

    def _splits(self, folder):
        for _, name, _, _ in FILES:
            existing(folder / name, f"the folder of {_source(name)}", folder=True)
        return {split: (_paths_of_split(folder, split), _example) for split in COUNTS}


def _paths_of_split(folder, split):
    """Of each picture a dict from the names of `FILES` to its files, in the order of the names."""
    pictures = set()
    for _, name, end, _ in FILES[:2]:
        for path in (folder / name / FOLDERS[split]).glob(f"*/*{end}"):
            pictures.add((path.parent.name, path.name.removesuffix(end)))
    if len(pictures) != COUNTS[split]:
        raise ValueError(
            f"{folder / 'leftImg8bit' / FOLDERS[split]} must hold {COUNTS[split]} pictures, "
            f"<city>/<city>_<sequence>_<frame>_leftImg8bit.png, of {_source('leftImg8bit')}. "
            f"Received: {len(pictures)}."
        )
    return [
        {
            feature: existing(
                folder / name / FOLDERS[split] / city / f"{picture}{end}", f"of {_source(name)}"
            )
            for feature, name, end, _ in FILES
        }
        for city, picture in sorted(pictures)
    ]


def _example(paths):
    example = {
        feature: checked_picture(paths[feature], mode, (HEIGHT, WIDTH))
        for feature, _, _, mode in FILES
        if mode is not None
    }
    labels = np.unique(Scaling().map(example["labels"]))
    if not np.isin(labels, LABELS).all():
        raise ValueError(
            f"{paths['labels']} must hold labels from 0 to {LABELS[-2]}, or {LABELS[-1]}. "
            f"Received: {labels.tolist()}."
        )
    return {**example, **_camera(paths["camera"])}


def _camera(path):
    try:
        content = json.loads(read_text(path))
        camera = {
            "baseline": float(content["extrinsic"]["baseline"]),
            "focal_length": float(content["intrinsic"]["fx"]),
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be a whole JSON file with the numbers extrinsic.baseline and "
            f"intrinsic.fx: {error!r}"
        ) from error
    if not all(0 < value < np.inf for value in camera.values()):
        raise ValueError(
            f"{path}: extrinsic.baseline and intrinsic.fx must be positive. Received: "
            f"{list(camera.values())}."
        )
    return camera


def _source(name):
    return f"{name}_trainvaltest.zip, of cityscapes-dataset.com"

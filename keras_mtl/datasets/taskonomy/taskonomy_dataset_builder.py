"""Taskonomy for TFDS, from the files as they are published."""

import csv
import re
from functools import partial

import numpy as np
import tensorflow_datasets as tfds

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded
from .._published import MODES_16, checked_picture, read_text
from .._scaling import Scaling
from .classes import CLASSES

SIDE = 512
COLUMNS = {"train": "train", "validation": "val", "test": "test"}
"""Of the split as the lists of buildings name it."""

# Feature, folder, the domain as the files' names spell it and what Pillow calls their pixels.
DOMAINS = (
    ("image", "rgb", "rgb", "RGB"),
    ("labels", "segment_semantic", "segmentsemantic", ("L", "P")),
    ("normals", "normal", "normal", "RGB"),
    ("depth", "depth_zbuffer", "depth_zbuffer", MODES_16),
    ("keypoints", "keypoints2d", "keypoints2d", MODES_16),
    ("edges", "edge_texture", "edge_texture", MODES_16),
)


class Builder(ManualBuilder):
    """Pictures and five maps of each, as published; a configuration for each subset."""

    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=f"{count} buildings.")
        for name, count in {"tiny": 35, "medium": 138, "full": 482, "fullplus": 537}.items()
    ]

    def _features(self):
        return {
            "image": encoded((SIDE, SIDE, 3)),
            # 0 where uncertain.
            "labels": encoded((SIDE, SIDE, 1)),
            "normals": encoded((SIDE, SIDE, 3)),
            # In 1/512 m.
            "depth": encoded((SIDE, SIDE, 1), np.uint16),
            "keypoints": encoded((SIDE, SIDE, 1), np.uint16),
            "edges": encoded((SIDE, SIDE, 1), np.uint16),
        }

    def _splits(self, folder):
        buildings = read_buildings(folder / f"train_val_test_{self.builder_config.name}.csv")
        incomplete, views = [], {}
        for split, names in buildings.items():
            views[split] = []
            for name in names:
                whole, rest = _views_of_building(folder, name)
                views[split] += [(name, *view) for view in whole]
                incomplete += [f"{name}, point {point}, view {view}" for point, view in rest]
        # `load` tells of them.
        self.info.metadata["incomplete"] = incomplete
        return {split: (views[split], partial(_example, folder)) for split in buildings}


def read_buildings(path):
    """A dict from split to the names of its buildings, in alphabetical order."""
    existing(path, "a list of buildings of splits_taskonomy.zip, of StanfordVL/taskonomy")
    # The published files end lines in the way of old Macintoshes.
    rows = list(csv.DictReader(read_text(path).splitlines()))
    for number, row in enumerate(rows, start=2):
        flags = [row.get(column) for column in COLUMNS.values()]
        if not row.get("id") or sorted(map(str, flags)) != ["0", "0", "1"]:
            raise ValueError(
                f"{path} must have columns id, train, val and test, and in each line 1 for one of "
                f"the three and 0 for the others. Received: {row} in line {number}."
            )
    names = [row["id"] for row in rows]
    buildings = {
        split: sorted(row["id"] for row in rows if row[column] == "1")
        for split, column in COLUMNS.items()
    }
    if len(set(names)) != len(names) or not all(buildings.values()):
        raise ValueError(
            f"{path} must list each building once, and some for each split. Received: "
            f"{len(names)} lines with {len(set(names))} buildings, "
            f"{ {split: len(names) for split, names in buildings.items()} }."
        )
    return buildings


def _views_of_building(folder, building):
    """The (point, view) of which all domains have files, and those of which only some have."""
    found = []
    for _, domain, spelling, _ in DOMAINS:
        path = existing(
            folder / domain / "taskonomy" / building,
            f"the domain {domain} of the building {building}, of Taskonomy's part of the Omnidata "
            "starter dataset (to do without a building, remove it from the list of buildings)",
            folder=True,
        )
        names = [each.name for each in path.iterdir()]
        matches = [
            re.fullmatch(rf"point_(\d+)_view_(\d+)_domain_{spelling}\.png", name) for name in names
        ]
        views = {(int(match[1]), int(match[2])) for match in matches if match}
        if not views:
            raise ValueError(
                f"{path} must hold files named point_<number>_view_<number>_domain_{spelling}.png. "
                f"Received: {len(names)} other files, such as {sorted(names)[:1]}."
            )
        found.append(views)
    whole = set.intersection(*found)
    return sorted(whole), sorted(set.union(*found) - whole)


def _example(folder, view):
    building, point, view = view
    example, paths = {}, {}
    for feature, domain, spelling, mode in DOMAINS:
        name = f"point_{point}_view_{view}_domain_{spelling}.png"
        paths[feature] = folder / domain / "taskonomy" / building / name
        example[feature] = checked_picture(paths[feature], mode, (SIDE, SIDE))
    highest = Scaling().map(example["labels"]).max()
    if highest > len(CLASSES):
        raise ValueError(
            f"{paths['labels']} must hold labels from 0 to {len(CLASSES)}. Received: {highest}."
        )
    return example

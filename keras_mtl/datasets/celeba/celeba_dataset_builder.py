"""CelebA for TFDS, from the files as they are published."""

from functools import partial

import numpy as np

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded
from .._published import checked_picture, read_text
from .attributes import ATTRIBUTES

HEIGHT, WIDTH = 218, 178
COUNTS = {"train": 162_770, "validation": 19_867, "test": 19_962}

LABELS, PARTITION, IMAGES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"
SOURCES = {
    LABELS: "the attributes of CelebA (Liu et al., ICCV 2015), of its folder Anno",
    PARTITION: "the split of CelebA, of its folder Eval",
    IMAGES: "the folder of pictures that img_align_celeba.zip of CelebA unpacks to",
}


class Builder(ManualBuilder):
    """Pictures; the metadata hold the attributes of each split, a bit each, in hexadecimal."""

    SHARD_ROWS = 10_000

    def _features(self):
        return {"image": encoded((HEIGHT, WIDTH, 3), encoding="jpeg")}

    def _splits(self, folder):
        for name, source in SOURCES.items():
            existing(folder / name, source, folder=name == IMAGES)
        attributes = read_attributes(folder / LABELS)
        splits = read_partition(folder / PARTITION)
        _check_same(folder, attributes, {name for names in splits.values() for name in names})
        self.info.metadata["attributes"] = {
            split: np.packbits([attributes[name] for name in names], axis=1).tobytes().hex()
            for split, names in splits.items()
        }
        example = partial(_example, folder / IMAGES)
        return {split: (names, example) for split, names in splits.items()}


def read_attributes(path):
    """A dict from a picture's file to its attributes, 40 times whether it has one."""
    lines = _lines(path)
    count, total = " ".join(lines[0] if lines else ()), sum(COUNTS.values())
    if count != str(total):
        raise ValueError(f"{path}, line 1, must be {total}, the pictures. Received: {count!r}.")
    names = lines[1] if len(lines) > 1 else []
    if names != list(ATTRIBUTES):
        wrong = sorted(set(names) ^ set(ATTRIBUTES))
        raise ValueError(
            f"{path}, line 2, must be the {len(ATTRIBUTES)} names of CelebA's attributes. "
            f"Received: {len(names)} names; only here or only there: {wrong[:4]}."
        )
    found = {}
    for number, (name, *values) in enumerate(lines[2:], 3):
        if len(values) != len(ATTRIBUTES) or not set(values) <= {"1", "-1"}:
            raise ValueError(
                f"{path}, line {number}, must hold {len(ATTRIBUTES)} values of 1 or -1. Received: "
                f"{len(values)} values, of {sorted(set(values))[:4]}."
            )
        found[name] = [value == "1" for value in values]
    if not len(found) == len(lines) - 2 == total:
        raise ValueError(
            f"{path} must hold {total} different pictures. "
            f"Received: {len(lines) - 2}, {len(found)} of them different."
        )
    return found


def read_partition(path):
    """A dict from split to the files of its pictures."""
    splits, found = list(COUNTS), {split: [] for split in COUNTS}
    for number, line in enumerate(_lines(path), 1):
        if len(line) != 2 or line[1] not in ("0", "1", "2"):
            raise ValueError(
                f"{path}, line {number}, must hold a picture and 0, 1 or 2. "
                f"Received: {' '.join(line)!r}."
            )
        found[splits[int(line[1])]].append(line[0])
    counts = {split: len(set(names)) for split, names in found.items()}
    if counts != COUNTS:
        raise ValueError(f"{path} must hold {COUNTS} different pictures. Received: {counts}.")
    return found


def _lines(path):
    """The words of each line that is not empty."""
    return [line.split() for line in read_text(path).splitlines() if line.strip()]


def _check_same(folder, attributes, partition):
    wrong = sorted(set(attributes) ^ partition)
    if wrong:
        has, lacks = (LABELS, PARTITION) if wrong[0] in attributes else (PARTITION, LABELS)
        raise ValueError(
            f"{folder / LABELS} and {PARTITION} must list the same pictures. "
            f"Received: {wrong[0]!r} in {has} and not in {lacks}."
        )


def _example(images, name):
    path = existing(images / name, "a picture of CelebA; see the README of this data set")
    return {"image": checked_picture(path, "RGB", (HEIGHT, WIDTH))}

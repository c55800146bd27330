"""The classes of Cityscapes' two tasks of segmentation, in the order of their numbers."""

CATEGORIES = {
    "flat": {"road": 7, "sidewalk": 8},
    "construction": {"building": 11, "wall": 12, "fence": 13},
    "object": {"pole": 17, "traffic light": 19, "traffic sign": 20},
    "nature": {"vegetation": 21, "terrain": 22},
    "sky": {"sky": 23},
    "human": {"person": 24, "rider": 25},
    "vehicle": {"car": 26, "truck": 27, "bus": 28, "train": 31, "motorcycle": 32, "bicycle": 33},
}
"""Of each category the classes that are evaluated, with their numbers in the files of labels."""

CLASSES_7 = tuple(CATEGORIES)
"""The categories."""

CLASSES_19 = tuple(name for labels in CATEGORIES.values() for name in labels)
"""The classes that are evaluated; spelled as published."""

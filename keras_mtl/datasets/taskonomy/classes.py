"""The classes of Taskonomy's segmentation, in the order of their numbers."""

CLASSES = (
    *("background", "bottle", "chair", "couch", "potted plant", "bed", "dining table", "toilet"),
    *("tv", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase"),
)
"""A choice of COCO's, spelled as published."""

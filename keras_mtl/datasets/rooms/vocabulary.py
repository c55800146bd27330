"""The words of the data set: classes, attributes and what they are made of."""

# Ordered roughly by frequency of the large surfaces first; the index is the label.
CLASSES = (
    "wall",
    "floor",
    "ceiling",
    "table",
    "chair",
    "sofa",
    "bed",
    "shelf",
    "picture",
    "window",
    "door",
    "lamp",
    "box",
    "ball",
    "vase",
    "rug",
    "pillow",
)
NUM_CLASSES = len(CLASSES)

# The label of pixels that belong to an object too small in the image to be annotated.
VOID = 255

# The room's own surfaces: labelled in the segmentation, but not objects (no box, no instance).
NUM_ROOM_CLASSES = 3

# Linear RGB reflectances.
COLORS = {
    "red": (0.75, 0.15, 0.12),
    "green": (0.20, 0.55, 0.22),
    "blue": (0.15, 0.25, 0.70),
    "yellow": (0.85, 0.75, 0.20),
    "white": (0.90, 0.90, 0.88),
    "grey": (0.50, 0.50, 0.50),
    "black": (0.08, 0.08, 0.09),
    "brown": (0.42, 0.26, 0.13),
    "beige": (0.80, 0.70, 0.55),
    "pink": (0.85, 0.50, 0.55),
}
TEXTURES = ("plain", "checker", "stripe", "noise", "wood", "brick")
SHAPES = ("boxy", "round", "cylindrical")

# What can be seen of an object: exactly one colour, texture and shape, then free booleans.
ATTRIBUTES = (
    *COLORS,
    *TEXTURES,
    *SHAPES,
    "small",
    "large",
    "truncated",
    "near",
    "fragmented",
)

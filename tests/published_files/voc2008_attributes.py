"""Files of aPascal and aYahoo in their published format, of a few pictures."""

from PIL import Image

from keras_mtl.datasets.voc2008_attributes import ATTRIBUTES, AYAHOO_CLASSES, CLASSES

ON = {"dog": {6, 8, 60}, "person": {13, 14}, "wolf": {8, 60}, "jetski": {39}}

# Of each picture: size (w, h); rows of the attribute file; objects of the annotation.
PICTURES = {
    "2008_000008.jpg": (
        (50, 40),
        [("dog", (5, 3, 24, 32)), ("person", (21, 1, 50, 40))],
        # The dog a pixel off and difficult; a cat that has no attributes; another dog.
        [
            ("person", (21, 1, 50, 40), 0),
            ("cat", (2, 2, 9, 9), 0),
            ("dog", (25, 3, 44, 32), 0),
            ("dog", (5, 4, 24, 32), 1),
        ],
    ),
    "2008_000015.jpg": ((30, 60), [("person", (1, 1, 30, 60))], [("person", (1, 1, 30, 60), 0)]),
}
# The wolf's corner is a pixel too low, and the jet ski's box is a point.
AYAHOO_PICTURES = {
    "wolf_7.jpg": ((20, 30), [("wolf", (0, 2, 20, 30))]),
    "jet-ski_12.jpg": ((40, 20), [("wolf", (3, 4, 9, 20)), ("jetski", (40, 20, 40, 20))]),
}
COUNTS = {"train": 3, "test": 1, "ayahoo": 3}


def write_voc2008_attributes(folder):
    """Writes the files. The test split is the second picture of the training split."""
    attributes, voc = folder / "attribute_data", folder / "VOCdevkit" / "VOC2008"
    ayahoo = folder / "ayahoo_test_images"
    for each in (attributes, voc / "JPEGImages", voc / "Annotations", ayahoo):
        each.mkdir(parents=True)
    rows = []
    for number, (name, (size, objects, annotated)) in enumerate(PICTURES.items()):
        Image.new("RGB", size, (100 * number + 20, 60, 0)).save(voc / "JPEGImages" / name)
        (voc / "Annotations" / name).with_suffix(".xml").write_text(_annotation(annotated))
        rows += [_row(name, *each) for each in objects]
    (attributes / "apascal_train.txt").write_text("\n".join(rows) + "\n")
    (attributes / "apascal_test.txt").write_text(rows[-1] + "\n")
    rows = []
    for name, (size, objects) in AYAHOO_PICTURES.items():
        Image.new("L", size, 80).save(ayahoo / name)
        rows += [_row(name, *each) for each in objects]
    (attributes / "ayahoo_test.txt").write_text("\n".join(rows) + "\n")
    for name, lines in {"attribute": ATTRIBUTES, "class": CLASSES + AYAHOO_CLASSES}.items():
        (attributes / f"{name}_names.txt").write_text("".join(f"{line}\n" for line in lines))


def shrink_voc2008_attributes(monkeypatch):
    """Makes the reader expect as many objects as `write_voc2008_attributes` writes."""
    from keras_mtl.datasets.voc2008_attributes import (
        voc2008_attributes_dataset_builder as builder,
    )

    monkeypatch.setattr(builder, "COUNTS", COUNTS)


def _row(name, label, box):
    attributes = [str(int(number in ON[label])) for number in range(64)]
    return " ".join([name, label, *map(str, box), *attributes])


def _annotation(objects):
    parts = [
        f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox>"
        f"<ymax>{y2}</ymax><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax></bndbox></object>"
        for label, (x1, y1, x2, y2), difficult in objects
    ]
    return f"<annotation>{''.join(parts)}</annotation>"

"""Finds objects in a folder of pictures, by detectors that a recipe has trained.

    python -m recipes.detect FOLDER --models one_task_detection_0_further.keras \\
        one_task_attributes_0_further.keras --data rooms

takes its proposals from selective search (`pip install 'keras-mtl[detection]'`), kept in the output
folder. Several models vote, or complete each other: one for detection and one for attributes make
a detector of both. Writes each picture with its boxes, classes and attributes as `<file>.png`, and
all that was found as `detections.json`, in pixels of the file. Pictures are scaled down to what the
models take; `--shortest-side` should be what they were trained with.
"""

import argparse
import json
from pathlib import Path

import keras

import keras_mtl
from keras_mtl import plots
from keras_mtl.datasets import ImageFiles, rooms, voc2008_attributes
from keras_mtl.proposals import selective_search
from keras_mtl.recipes._detection_data import FIRST_OBJECT

VOCABULARY = {
    "rooms": (rooms.CLASSES[FIRST_OBJECT:], rooms.ATTRIBUTES),
    "voc2008_attributes": (voc2008_attributes.CLASSES, voc2008_attributes.ATTRIBUTES),
}
PICTURES = (".jpg", ".jpeg", ".png", ".bmp")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of pictures")
    parser.add_argument("--models", nargs="+", required=True, help="`.keras` files")
    parser.add_argument("--data", choices=VOCABULARY, required=True, help="whose classes they know")
    parser.add_argument("--output", type=Path, help="by default a folder `found` in the first one")
    parser.add_argument("--shortest-side", type=int, help="scale pictures to it, in pixels")
    parser.add_argument("--longest-side", type=int, help="at most; what the models take")
    parser.add_argument("--smallest-box", type=int, default=20, help="side of a proposal in pixels")
    parser.add_argument("--score", type=float, default=0.5, help="draw what has a higher one (0.5)")
    options = parser.parse_args(arguments)
    paths = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        raise SystemExit(f"{options.folder} must hold pictures, {', '.join(PICTURES)}.")
    output = options.output or options.folder / "found"
    if output.resolve() == options.folder.resolve():
        raise SystemExit(f"--output must be another folder than that of the pictures, {output}.")
    output.mkdir(parents=True, exist_ok=True)

    models = [keras.models.load_model(path, compile=False) for path in options.models]
    size = models[0].input["image"].shape[1:3]
    largest = options.longest_side or (None if None in size else min(size))
    images = ImageFiles(paths, options.shortest_side, largest)
    proposals = [
        selective_search(image, output / "proposals", min_size=options.smallest_box)
        for image in images
    ]
    found = keras_mtl.detect(
        keras_mtl.Ensemble(models), images, proposals, pad_to=None if None in size else size
    )
    classes, attributes = VOCABULARY[options.data]
    text = {}
    for path, image, scale, of_image in zip(paths, images, images.scales, found, strict=True):
        figure, axes = plots.pyplot().subplots(figsize=(8, 8))
        names = attributes if "attributes" in of_image else None
        plots.detections(axes, image, of_image, classes, names, options.score)
        figure.savefig(output / f"{path.name}.png", dpi=100, bbox_inches="tight")
        plots.pyplot().close(figure)
        text[path.name] = [
            {
                "class": classes[of_image["classes"][number] - 1],
                "score": float(of_image["scores"][number]),
                "box": [round(float(side), 1) for side in of_image["boxes"][number] / scale],
                **_attributes(of_image, number, attributes),
            }
            for number in range(len(of_image["boxes"]))
        ]
    (output / "detections.json").write_text(json.dumps(text, indent=1) + "\n")
    print(f"{sum(map(len, text.values()))} objects in {len(paths)} pictures: {output}")


def _attributes(found, number, names):
    if "attributes" not in found:
        return {}
    probabilities = found["attributes"][number]
    return {
        "attributes": {
            name: round(float(value), 3) for name, value in zip(names, probabilities, strict=True)
        }
    }


if __name__ == "__main__":
    main()

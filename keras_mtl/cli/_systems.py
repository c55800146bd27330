"""What networks of each kind say of a picture: panels to look at, and a summary as numbers."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

import keras_mtl
from keras_mtl import plots
from keras_mtl.applications.catalog import counts
from keras_mtl.cli import _composition as composition
from keras_mtl.cli._console import dimensions
from keras_mtl.cli._errors import CommandError
from keras_mtl.cli._maps import Map
from keras_mtl.cli._models import embeds
from keras_mtl.cli._photographs import framed, resized
from keras_mtl.datasets._scaling import Scaling, nearest
from keras_mtl.modulation.modulate import TASK
from keras_mtl.proposals import selective_search

DRAWN = 1000
"""Pixels of the longer side of a picture, as it is drawn."""
SMALLEST, LARGEST = 600, 1000
"""Sides in pixels of pictures for a detector that takes any; Fast R-CNN's own."""
MOST_NEIGHBOURS = 6
SHOWN = 160
"""Pixels of the longer side of a picture beside those that are alike."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a system says of a picture.

    Attributes:
        figure: the picture, and beside it what is said of it.
        summary: the same as numbers.
        maps: what is said of every pixel, a `Map` by the name of the output.
    """

    figure: Any
    summary: dict
    maps: dict = dataclasses.field(default_factory=dict)


def system_of(models, options):
    """The system that some models make: one of the classes below, for the options of the command.

    Raises:
        CommandError: they go together in no way that is known.
    """
    if len(models) == 1 and embeds(models[0]):
        return Embedding(models[0], options)
    for model in models:
        if not isinstance(model, keras_mtl.MultiTaskModel):
            raise CommandError(f"{model.name} must be a MultiTaskModel, or an embedding of its own")
    inputs = [{x.name for x in model.inputs} for model in models]
    detectors = [each == {"image", "rois"} for each in inputs]
    if any(detectors) and not all(detectors):
        raise CommandError("a network that finds objects goes with others that do, with no others")
    _check_votes(models)
    if all(detectors):
        return Detector(models, options)
    if len(inputs[0]) != 1:
        names = ", ".join(x.name for x in models[0].inputs)
        raise CommandError(f"{models[0].name} must take pictures alone, not {names}")
    return Maps(models, options)


def _picture_size(model, image, known=True):
    """Height and width of an input, in pixels; unless they have to be `known`, `None` where open.

    Raises:
        CommandError: it is none of pictures.
    """
    *size, channels = image.shape[1:] if len(image.shape) == 4 else (None, None)
    if channels != 3 or (known and None in size):
        raise CommandError(
            f"{model.name} must take colour pictures{' of one known size' * known}, not "
            f"{dimensions(image.shape[1:])}"
        )
    return tuple(size)


def _check_votes(models):
    """Refuses networks of which the inputs, or the outputs of one task, differ in form."""
    sizes = {}
    for model in models:
        for name, tensor in {"pictures": model.inputs[0], **model.output}.items():
            size = dimensions(tensor.shape[1:])
            before = sizes.setdefault(name, size)
            if before != size:
                raise CommandError(
                    f"networks that vote must agree: {name} of {before} and of {size}"
                )


class Maps:
    """Networks with an output for every pixel of a task, or for the whole picture.

    Here and below `longest_side` is that of the largest picture, in pixels, that it has a use for,
    or `None` for pictures as they are, and `has_maps` whether it says something of every pixel.
    """

    def __init__(self, models, options):
        self.network = keras_mtl.Ensemble(models)
        self.size = _picture_size(models[0], models[0].inputs[0])
        self.drawn = Scaling(longest_side=max(DRAWN, *self.size))
        # Maps of classes have the size of the picture's file.
        self.longest_side = None if options.save_maps else self.drawn.longest_side
        self.models = {task: model for model in models for task in model.tasks}
        self.has_maps = any(len(x.shape) == 4 for model in models for x in model.output.values())

    def look(self, picture, scale):
        """What is said of a picture, uint8 (h, w, 3); its sides were multiplied by `scale`."""
        size = picture.shape[:2]
        picture = resized(picture, self.drawn.scaled(size))
        frame = framed(picture, self.size)
        found = self.network.predict_on_batch(frame.pixels[None].astype("float32"))
        panels, summary, likely, maps = [], {}, {}, {}
        outputs = [(task, x) for task, each in self.models.items() for x in each.outputs_of(task)]
        for task, output in outputs:
            model, values = self.models[task], np.asarray(found[output])
            kind = _kind(model, task) if output == task else "numbers"
            if values.ndim == 4:
                values = frame.cut(_decoded(model.head(task), kind, values)[0])
                panel, summary[output] = _of_pixels(model, task, output, kind, values)
                panels.append(panel)
                maps[output] = _map(model, task, output, kind, values, size)
            elif kind not in ("attributes", "classes"):
                summary[output] = [_rounded(each) for each in values.ravel()]
            else:
                values = values.ravel()
                known = _names(model, task, len(values))
                of_task = {name: _rounded(x) for name, x in zip(known, values, strict=True)}
                summary[task] = of_task if len(of_task) > 1 else _rounded(values[0])
                likely |= of_task
        if likely:
            panels.append(composition.bars("likeliest", likely))
        return Seen(composition.compose(picture, panels), summary, maps)


def _kind(model, task):
    """What the outputs of a task are, as of `keras_mtl.Task`."""
    return getattr(model.task(task) or model.head(task), "kind", "numbers")


def _names(model, task, count):
    """Names of the classes of a task, or their numbers; of a single one without a name the task."""
    known = model.task(task)
    if known and known.classes and len(known.classes) == count:
        return known.classes
    return [task] if count == 1 else [f"class {each}" for each in range(count)]


def _decoded(head, kind, values):
    """What predictions (1, h, w, channels) mean: of classes the likeliest, (1, h, w)."""
    if hasattr(head, "decode") and kind != "numbers":
        return ops.convert_to_numpy(head.decode(values))
    return values.argmax(axis=-1) if kind == "classes" else values


def _of_pixels(model, task, output, kind, values):
    """A panel and a summary of what an output says of every pixel: (h, w) or (h, w, channels)."""
    if kind == "classes":
        known = _names(model, task, model.output[output].shape[-1])
        shares = np.bincount(values.ravel(), minlength=len(known)) / values.size
        order = np.argsort(-shares, kind="stable")
        summary = {known[each]: _rounded(shares[each]) for each in order if shares[each] > 0}
        return composition.classes(task, values, known), summary
    if kind == "normals" and values.shape[-1] == 3:
        mean = [_rounded(each) for each in values.mean(axis=(0, 1))]
        return composition.normals(output, values), {"mean": mean}
    if values.shape[-1] == 2:
        mean = _rounded(np.linalg.norm(values, axis=-1).mean())
        return composition.arrows(output, values), {"mean_length": mean}
    # Of attributes the likeliest one's probability, of more numbers a pixel their length.
    length = np.max if kind == "attributes" else np.linalg.norm
    values = values[..., 0] if values.shape[-1] == 1 else length(values, axis=-1)
    places = {"least": 0, "median": 50, "most": 100}
    summary = {name: _rounded(np.percentile(values, at)) for name, at in places.items()}
    if kind == "metres":
        return composition.numbers(f"{output} in metres", values), summary
    return composition.numbers(output, values, colours="magma"), summary


def _map(model, task, output, kind, values, size):
    """What an output says of every pixel: classes in a size (h, w), numbers as they are."""
    if kind == "classes":
        names = _names(model, task, model.output[output].shape[-1])
        return Map(nearest(values, size), names)
    return Map(values[..., 0] if values.shape[-1] == 1 else values)


class Detector:
    """Networks that find objects in regions, tell their attributes, or both."""

    has_maps = False

    def __init__(self, models, options):
        self.network, self.options = keras_mtl.Ensemble(models), options
        of_task = {task: model for model in models for task in model.tasks}
        if "detection" not in of_task:
            raise CommandError("one of the networks must have the task detection")
        detector = of_task["detection"]
        count = detector.output["detection_classes"].shape[-1] - 1
        self.classes = _names(detector, "detection", count)
        self.attributes = None
        if "attributes" in of_task:
            describer = of_task["attributes"]
            count = describer.output["attributes"].shape[-1]
            self.attributes = _names(describer, "attributes", count)
        self.size = _picture_size(models[0], models[0].input["image"], known=False)
        self.longest_side = max(DRAWN, LARGEST, *filter(None, self.size))

    def look(self, picture, scale):
        """The same of objects, whose boxes are in pixels of the whole picture."""
        size = self.size
        if None in size:
            sides = picture.shape[:2]
            factor = min(SMALLEST / min(sides), LARGEST / max(sides))
            size = [max(1, round(factor * side)) for side in sides]
        frame = framed(picture, size, centred=False)
        inner = frame.pixels[: frame.height, : frame.width]
        smallest = self.options.smallest_box or max(4, min(inner.shape[:2]) // 12)
        proposals = selective_search(np.ascontiguousarray(inner), min_size=smallest)
        (found,) = keras_mtl.detect(
            self.network, frame.pixels[None], [proposals], pad_to=tuple(size), verbose=0
        )
        found = {**found, "boxes": np.asarray(found["boxes"]) / frame.scale}
        summary = [
            {
                "class": self.classes[int(found["classes"][number]) - 1],
                "score": _rounded(found["scores"][number]),
                "box": [round(float(side) / scale, 1) for side in found["boxes"][number]],
                **self._attributes(found, number),
            }
            for number in range(len(found["boxes"]))
        ]
        title = "objects" if self.attributes is None else "objects and their attributes"
        panel = composition.objects(
            title, picture, found, self.classes, self.attributes, self.options.score
        )
        return Seen(composition.compose(picture, [panel]), {"objects": summary})

    def _attributes(self, found, number):
        if self.attributes is None:
            return {}
        values = found["attributes"][number]
        return {
            "attributes": {
                name: _rounded(value) for name, value in zip(self.attributes, values, strict=True)
            }
        }


class Embedding:
    """A network that embeds pictures, for several notions of likeness."""

    has_maps = False

    def __init__(self, model, options):
        self.model = model
        self.size = _picture_size(model, next(x for x in model.inputs if x.name != TASK))
        self.longest_side = max(SHOWN, *self.size)
        gates = [layer for layer in model.layers if hasattr(layer, "num_tasks")]
        if not gates:
            raise CommandError(f"{model.name} has no gates, that tell the number of its tasks")
        self.tasks = _notions(gates[0].num_tasks)

    def look_at_all(self, pictures):
        """Yields of each picture of a dict by their names the name, and what is alike."""
        if len(pictures) < 2:
            raise CommandError("what is alike needs two or more pictures")
        images = np.stack([framed(each, self.size).pixels for each in pictures.values()])
        shown = np.stack([_on_white(each, SHOWN) for each in pictures.values()])
        index = keras_mtl.retrieval.EmbeddingIndex(self.model, images, self.tasks)
        known = list(pictures)
        count = min(MOST_NEIGHBOURS, len(known) - 1)
        for number, name in enumerate(known):
            alike, summary = [], {}
            for task in self.tasks:
                query = index.embeddings[task][[number]]
                numbers, distances = index.search_embeddings(query, task, len(known))
                others = numbers[0] != number
                alike.append(numbers[0][others][:count])
                summary[task] = [
                    {"picture": known[other], "distance": _rounded(distance)}
                    for other, distance in zip(alike[-1], distances[0][others], strict=False)
                ]
            queries = np.repeat(shown[[number]], len(self.tasks), axis=0)
            titles = [f"by {task}" for task in self.tasks]
            figure = plots.neighbours(queries, shown[np.array(alike)], titles=titles)
            first, _, second, *_ = figure.axes
            first.set_title("picture", fontsize=9, loc="left")
            second.set_title("most alike →", fontsize=9, loc="left")
            yield name, Seen(figure, {"nearest": summary})


def _notions(count):
    """Names of the notions of likeness of an embedding: those of the one that ships, if as many."""
    known = counts()["ModulatedEmbedding"].trained_tasks
    return list(known) if count == len(known) else [f"task {each}" for each in range(count)]


def _on_white(picture, side):
    """A picture in the middle of a white square."""
    scale = side / max(picture.shape[:2])
    small = resized(picture, [max(1, round(scale * each)) for each in picture.shape[:2]])
    made = np.full((side, side, 3), 255, "uint8")
    top, left = ((side - each) // 2 for each in small.shape[:2])
    made[top : top + small.shape[0], left : left + small.shape[1]] = small
    return made


def _rounded(value):
    return round(float(value), 4)

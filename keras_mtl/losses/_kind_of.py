"""What outputs are that a loss takes, and what marks labels that are not known."""

import keras

BY_SHAPES = ("crossentropy", "ce")
"""What Keras calls a loss that is chosen by the shapes of labels and outputs."""


def kind_of(loss):
    """What outputs are that a loss takes: what it says itself, or by its name."""
    if hasattr(loss, "kind"):
        return loss.kind
    if isinstance(loss, str):
        loss = keras.losses.CategoricalCrossentropy if loss in BY_SHAPES else keras.losses.get(loss)
    name = getattr(loss, "__name__", type(loss).__name__).lower().replace("_", "")
    if "crossentropy" not in name:
        return "numbers"
    return "attributes" if "binary" in name or "attributes" in name else "classes"


def marks_of(loss, kind=None, missing=None):
    """Numbers that mark a label as not known, beside NaN.

    Args:
        loss: a loss, whose `ignore_class` is one.
        kind: what outputs are, as of `keras_mtl.Task`; that of the loss if `None`.
        missing: further numbers; of metres in place of 0.
    """
    void, kind = getattr(loss, "ignore_class", None), kind or kind_of(loss)
    if kind == "metres" and missing is None:
        missing = (0,)
    minus_one = (-1,) if kind in ("classes", "attributes", "objects") else ()
    return (*minus_one, *(missing or ()), *(() if void is None else (void,)))

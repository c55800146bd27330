"""Names of the layers of a model that is being built."""

import contextlib
import contextvars
import itertools
import re
from collections.abc import Iterable, Iterator

from keras_mtl.graphs.functional_models import is_graph

_taken: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar("taken", default=None)


@contextlib.contextmanager
def names_of_one_model(taken: Iterable[str] = ()) -> Iterator[None]:
    """Within it no two layers get the same name, nor one that is `taken`."""
    token = _taken.set(set(taken))
    try:
        yield
    finally:
        _taken.reset(token)


def layer_name(*parts: str) -> str:
    """A free name made of parts, such as a task and "head": `"age_head"`."""
    name = _safe("_".join(parts))
    return name + _free_end(lambda end: [name + end])


def free_prefix(prefix: str, names: list[str]) -> str:
    """What makes names free ones if put before them: the prefix, or the prefix and a number."""
    prefix = _safe(prefix)
    return prefix + _free_end(lambda end: [prefixed(prefix + end, name) for name in names])


def prefixed(prefix: str, name: str) -> str:
    """The name with a prefix of `free_prefix`, such as a task."""
    return _safe(f"{prefix}_{name}")


def prefix_of(name: str, stage: str) -> str:
    """The prefix in the name of a copy of a stage."""
    return name[: -len(f"_{stage}")]  # Letters that no name can hold are as many in it.


def _free_end(names_with):
    """Nothing, or the first number from 2, that makes free names; they are taken then."""
    taken = _taken.get()
    if taken is None:
        return ""
    ends = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    end = next(each for each in ends if taken.isdisjoint(names_with(each)))
    taken.update(names_with(end))
    return end


def _safe(text):
    """Letters, digits, underscores and hyphens, which every backend takes; first a letter."""
    text = re.sub(r"[^\w-]", "_", text, flags=re.ASCII)
    return text if re.match(r"[A-Za-z0-9]", text) else f"task{text}"


def name_as_before(operation, name, config):
    """Gives what came of a configuration the name that it had, and what is within it, too.

    Keras need not have made it with that: there are classes that take no name.
    """
    if operation.name != name:
        operation.name = name
    if is_graph(operation) and "layers" in config and "input_layers" in config:
        for inner, of_it in zip(operation.operations, config["layers"], strict=True):
            name_as_before(inner, of_it["name"], of_it["config"])

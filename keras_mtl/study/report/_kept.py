"""What was looked at in networks and data, kept so that a page is drawn without them."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from keras_mtl._files import whole_file
from keras_mtl.study._digest import digest
from keras_mtl.study._types import AnyStudy

FORM = 1
"""Raised where what is kept changes its form, so that it is looked at anew."""

UNSEEN = "unseen"
"""Stands for all the rest where looking has failed; it is tried again the next time."""


def kept(
    study: AnyStudy, what: str, of: Any, look: Callable[[], Any], networks: Iterable[Any] = ()
) -> Any:
    """What a function has found, now or before; `None` where there is no more to be looked at.

    Args:
        study: the `Study`, or a `RecordedStudy`.
        what: what is looked at.
        of: what decides the result, such as the hash of a row.
        look: function that returns what goes to JSON.
        networks: trainings whose networks it looks at. One that has been removed is not trained
            again for that.
    """
    path = study.folder / "looks" / f"{digest([what, FORM, of])}.json"
    if path.exists():
        return json.loads(path.read_text())
    is_there = hasattr(study, "network") and all(study.file_of(x).exists() for x in networks)
    if not is_there:
        return None
    print(f"For the page: {what} …", flush=True)
    try:
        found = look()
    except Exception as error:  # What cannot be looked at must not cost all the rest.
        return {UNSEEN: f"{what}: {type(error).__name__}: {str(error)[:300]}"}
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(found))
    return found

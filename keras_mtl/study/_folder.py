"""The folder of a study, which holds one study only."""

import json

from keras_mtl._files import file_of, whole_file


def open_folder(study):
    """Makes the folder, or raises a `ValueError` if it holds another study."""
    path = study.folder / "study.json"
    ours = {
        "tasks": list(study.tasks),
        "train": {"examples": len(study.train), "digest": study.train.digest},
        "validation": {"examples": len(study.validation), "digest": study.validation.digest},
        "test": {"examples": len(study.test), "digest": study.test.digest},
    }
    if path.exists():
        with file_of("a study", path, "`folder` must hold"):
            theirs = json.loads(path.read_text())
            different = {name: theirs[name] for name in ours if theirs[name] != ours[name]}
        if different:
            raise ValueError(
                f"`folder` must be new, or hold a study of the same tasks and data: "
                f"{ {name: ours[name] for name in different} }. Received: {study.folder} with "
                f"{different}."
            )
        return
    try:
        (study.folder / "networks").mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(ours, indent=2) + "\n")
    except OSError as error:
        raise ValueError(
            "`folder` must be one that can be made, and written to. "
            f"Received: {study.folder}: {error.strerror}."
        ) from error

"""A study, of two tasks on vectors, that trains within a second."""

import pytest
from small_studies import examples, network, tasks

import keras_mtl
from keras_mtl.study import hard_sharing


@pytest.fixture
def make(tmp_path):
    """A function that makes a study of such things, with other arguments where they are given."""

    def study(**options):
        given = {
            "backbone": network,
            "tasks": tasks(),
            "train": examples(20),
            "validation": examples(12, 1),
            "test": examples(12, 2),
            "steps": 8,
            "seeds": 2,
            "batch_size": 8,
            "contenders": [hard_sharing()],
            "cuts": ["dense0"],
            "folder": tmp_path / "study",
        }
        given |= options
        if given["backbone"] is network:
            given["backbone"] = lambda seed: network()
        return keras_mtl.Study(**given)

    return study

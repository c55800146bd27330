"""AdaShare's tables: the search, what is made of it, and what a stop leaves."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_mtl.callbacks import read_policies
from keras_mtl.recipes import (
    _resumable_fit,
    adashare_cityscapes,
    adashare_nyuv2,
    adashare_taskonomy,
)
from keras_mtl.recipes._ada_share_networks import AdaShareNetworks

TABLE = adashare_nyuv2.TABLE
TASKS = TABLE.problem.tasks


def networks(data, folder, tasks=TASKS):
    return AdaShareNetworks(*data, tasks, folder, seed=0)


@pytest.mark.one_backend
def test_every_row_is_trained_timed_and_drawn(tiny_ada_share, untrained, tmp_path):
    pair = TASKS[1:]
    results = TABLE.run("tiny", tasks=pair, output=tmp_path)
    rows = results["rows"]
    assert list(rows) == ["one-task", "hard sharing", "cross-stitch", "AdaShare", "random policy"]
    for of_row in rows.values():
        assert of_row["inference_ms"] > 0
        assert of_row["task_macs"] >= of_row["macs"] > 0
        entry = of_row["seeds"]["0"]
        assert 0 < entry["normals"]["mean_angular_error"] < 180
        assert entry["depth"]["absolute_error"] > 0
    # Tasks, each by itself, cost of a shared trunk what separate networks cost.
    assert rows["hard sharing"]["task_macs"] == rows["one-task"]["macs"]
    assert rows["AdaShare"]["parameters"] <= rows["hard sharing"]["parameters"]
    for picture in ("policy.png", "predictions.jpg"):
        assert (tmp_path / TABLE.recipe / picture).stat().st_size > 1000
    assert TABLE.run("tiny", tasks=pair, output=tmp_path)["rows"].keys() == rows.keys()


@pytest.mark.one_backend
def test_candidates_are_ranked_and_the_random_policy_skips_as_many(
    tiny_ada_share_data, untrained, tmp_path
):
    of_seed = networks(tiny_ada_share_data, tmp_path)
    model = of_seed.searched()
    logits = np.random.default_rng(0).normal(size=(3, 4, 2))
    model.get_layer("skip_policy").logits.assign(logits)
    model.save(tmp_path / "search.keras")
    policies = of_seed.policies()
    assert 2 <= len(policies) <= 3
    text = ["".join(str(int(value)) for value in row) for row in logits[..., 0] >= logits[..., 1]]
    assert dict(zip(TASKS, text, strict=True)) in policies
    kept = json.loads((tmp_path / "policies.json").read_text())
    gains = [each["gain"] for each in kept]
    assert gains == sorted(gains, reverse=True)
    assert of_seed.policies() == policies  # from the file

    random = of_seed.random_policy().get_config()["sharing"]["config"]["policy"]
    chosen = of_seed.ada_share().get_config()["sharing"]["config"]["policy"]
    assert {task: "".join(map(str, row)) for task, row in chosen.items()} in policies[:2]
    assert {task: sum(row) for task, row in random.items()} == {
        task: sum(row) for task, row in chosen.items()
    }


@pytest.mark.one_backend  # optimizer and schedule are resumed on every one in their own tests
def test_a_search_that_was_stopped_ends_the_same(tiny_ada_share_data, tmp_path, monkeypatch):
    pair = TASKS[::2]
    whole = networks(tiny_ada_share_data, tmp_path / "whole", pair).searched()

    class Stop(Exception):
        pass

    keep = _resumable_fit._Keep.on_epoch_end

    def keep_and_stop(self, epoch, logs=None):
        keep(self, epoch, logs)
        if epoch == 1:  # behind the first round in which the policy learns
            raise Stop

    stopped = networks(tiny_ada_share_data, tmp_path / "stopped", pair)
    with monkeypatch.context() as patch:
        patch.setattr(_resumable_fit._Keep, "on_epoch_end", keep_and_stop)
        with pytest.raises(Stop):
            stopped.searched()
    resumed = stopped.searched()
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    logs = [tmp_path / each / "search.csv" for each in ("whole", "stopped")]
    assert logs[0].read_text() == logs[1].read_text()
    tasks, blocks, history = read_policies(logs[0])
    assert tasks == list(pair) and len(blocks) == 4 and list(history) == [0, 3, 6, 9]
    policy = resumed.get_layer("skip_policy")
    assert int(keras.ops.convert_to_numpy(policy.active_blocks)) == 2
    moved = np.abs(keras.ops.convert_to_numpy(policy.logits) - 0.5).max(axis=(0, 2))
    # Weight decay pulls at both logits of every block alike.
    assert (moved[-2:] > 1e-2).all() and (moved[:-2] < 1e-3).all()


def test_settings_are_the_published_ones():
    nyuv2, pair = (TABLE.problem.presets[name] for name in ("paper", "paper-2-tasks"))
    assert (nyuv2.network["depth"], pair.network["depth"]) == (34, 18)
    assert (nyuv2.sparsity, nyuv2.sharing) == (0.001, 0.05)
    assert (pair.sparsity, pair.sharing) == (0.05, 0.05)
    assert nyuv2.task_weights == {"segmentation": 1, "normals": 20, "depth": 3}
    cityscapes = adashare_cityscapes.TABLE.problem.presets["paper"]
    assert cityscapes.learning_rate * cityscapes.head_rate == pytest.approx(1e-4)
    taskonomy = adashare_taskonomy.TABLE.problem.presets["paper"]
    assert list(taskonomy.task_weights.values()) == [1, 3, 2, 7, 7]
    for settings, steps in (
        (nyuv2, 20_000),
        (pair, 20_000),
        (cityscapes, 20_000),
        (taskonomy, 1e5),
    ):
        assert max(settings.one_task_iterations.values()) + settings.further_iterations == steps
        # All blocks come under the policy.
        blocks = 16 if settings.network["depth"] == 34 else 8
        assert (settings.rounds - 1) // settings.blocks_every + 1 >= blocks


def test_the_rate_is_halved_without_regard_to_where_the_first_steps_end(
    tiny_ada_share_data, tmp_path
):
    settings, data = tiny_ada_share_data
    settings = dataclasses.replace(
        settings, halved_every=4, one_task_iterations=dict.fromkeys(TASKS, 10)
    )
    of_seed = networks((settings, data), tmp_path)
    rates = [of_seed._published_rate(1.0, first) for first in (True, False)]
    steps = [
        *(float(rates[0](step)) for step in range(10)),
        *(float(rates[1](n)) for n in range(9)),
    ]
    # Keras' boundaries belong to the rate before them.
    assert steps == [0.5 ** (max(step - 1, 0) // 4) for step in range(19)]


def test_five_tasks_have_targets(tiny_branched_data):
    settings, data = tiny_branched_data  # of the same five tasks
    for task in adashare_taskonomy.TABLE.problem.tasks:
        assert len(data.targets(task)) == settings.train_images
        assert task in data.kinds and task in data.losses

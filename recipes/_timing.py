"""How long networks take to predict."""

import statistics
import time

import numpy as np

from keras_mtl.search import task_costs

ROUNDS = 9
IMAGES = 8


def add_times(run):
    """Adds to the results, of the first seed's networks, milliseconds an image and MACs by task.

    Args:
        run: the `Run`.
    """
    rows = run.results["rows"]
    models = {row: run.networks(row) for row in rows if run.has(row)}
    for row, of_row in models.items():
        rows[row]["task_macs"] = sum(
            each.macs for model in of_row for each in task_costs(model).values()
        )
    for row, milliseconds in inference_times(models, run.study.test.first(IMAGES)).items():
        rows[row]["inference_ms"] = milliseconds


def inference_times(models, images):
    """Times networks in turns, so that what slows the machine slows them all.

    Args:
        models: dict from a row's name to a list of models, which predict one after the other.
        images: float array (N, height, width, 3), one batch.

    Returns:
        A dict from a row's name to the median time in ms an image.
    """
    times = {row: [] for row in models}
    images = np.asarray(images)
    for number in range(ROUNDS + 1):
        for row, of_row in models.items():
            started = time.perf_counter()
            for model in of_row:
                model.predict_on_batch(images)
            if number:  # the first round compiles
                times[row].append(time.perf_counter() - started)
    return {row: 1000 * statistics.median(each) / len(images) for row, each in times.items()}

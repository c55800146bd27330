"""How long networks take to predict."""

import statistics
import time

ROUNDS = 9


def inference_times(models, images):
    """Times networks in turns, so that what slows the machine slows them all.

    Args:
        models: dict from a row's name to a list of models, which predict one after the other.
        images: float array (N, height, width, 3), one batch.

    Returns:
        A dict from a row's name to the median time in ms an image.
    """
    times = {row: [] for row in models}
    for number in range(ROUNDS + 1):
        for row, of_row in models.items():
            started = time.perf_counter()
            for model in of_row:
                model.predict_on_batch(images)
            if number:  # the first round compiles
                times[row].append(time.perf_counter() - started)
    return {row: 1000 * statistics.median(each) / len(images) for row, each in times.items()}

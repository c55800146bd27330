"""Update compliance ratios of the pairs of tasks."""

import numpy as np


def task_pairs(name, ratios):
    """The ratios of the pairs of different tasks, each once; ValueError, naming it, if not such."""
    ratios = np.asarray(ratios, float)
    if ratios.ndim != 2 or ratios.shape[0] != ratios.shape[1] or len(ratios) < 2:
        raise ValueError(
            f"`{name}` must be of shape (tasks, tasks), of 2 or more tasks. "
            f"Received: shape {ratios.shape}."
        )
    if (ratios < 0).any() or (ratios > 1).any():
        raise ValueError(f"`{name}` must be of ratios from 0 to 1. Received: {ratios}.")
    return ratios[np.triu_indices(len(ratios), 1)]


def known_mean(pairs):
    """Mean of what is not NaN; NaN if all is."""
    return np.nanmean(pairs) if np.isfinite(pairs).any() else np.nan

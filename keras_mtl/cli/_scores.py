"""Scores as the tables of the recipes show them."""

import importlib

from keras_mtl.recipes._published import shipped_scores


def columns(found):
    """Headings of scores, of an entry of the catalog.

    Returns:
        A dict from task to a dict from the name of a score to its heading and the factor on it.
    """
    problem = importlib.import_module(f"keras_mtl.recipes.{found.recipe}").TABLE.problem
    return {
        task: {score: (heading, factor) for heading, (score, factor) in of_task.items()}
        for task, of_task in problem.columns.items()
    }


def headlines(found):
    """The score of each task by which the recipe compares networks, as text: those that ship."""
    scores = shipped_scores(found.name)
    problem = importlib.import_module(f"keras_mtl.recipes.{found.recipe}").TABLE.problem
    text = []
    for task, names in problem.headlines.items():
        name = names if isinstance(names, str) else names[0]
        if name in scores.get(task, {}):
            heading, factor = columns(found)[task][name]
            text.append(f"{heading} {factor * scores[task][name]:.1f}")
    return ", ".join(text)


def of_columns(found, scores):
    """Rows `(task, heading, name, value)` of the scores that the recipe's tables have."""
    return [
        (task, heading, name, factor * scores[task][name])
        for task, of_task in columns(found).items()
        for name, (heading, factor) in of_task.items()
        if name in scores.get(task, {})
    ]

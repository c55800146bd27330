"""Scores as the tables of the recipes show them."""

from keras_mtl.recipes._evaluation import problem_of


def columns(found):
    """Headings of scores, of an entry of the catalog.

    Returns:
        A dict from task to a dict from the name of a score to its heading and the factor on it.
    """
    return {
        task: {score: (heading, factor) for heading, (score, factor) in of_task.items()}
        for task, of_task in problem_of(found.name).columns.items()
    }


def of_columns(found, scores):
    """Rows `(task, heading, name, value)` of the scores that the recipe's tables have."""
    return [
        (task, heading, name, factor * scores[task][name])
        for task, of_task in columns(found).items()
        for name, (heading, factor) in of_task.items()
        if name in scores.get(task, {})
    ]

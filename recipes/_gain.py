"""By how much networks are better than others, by the scores that a table compares them by."""

from keras_mtl.search import relative_gain


def compared_scores(headlines, scores):
    """The scores of each task by which networks are compared.

    Args:
        headlines: dict from task to the name of a score, or a tuple of names.
        scores: dict from task to a dict from name to score, and whatever else.

    Returns:
        A dict from task to a score, or to a dict of several.
    """
    return {
        task: scores[task][name]
        if isinstance(name, str)
        else {each: scores[task][each] for each in name}
        for task, name in headlines.items()
        if task in scores
    }


def gain(headlines, lower_is_better, scores, baseline):
    """Mean relative gain in % by those scores; `lower_is_better` may name tasks that are absent."""
    ours, theirs = (compared_scores(headlines, each) for each in (scores, baseline))
    known = {*ours}.union(*(each for each in ours.values() if isinstance(each, dict)))
    return float(relative_gain(ours, theirs, [name for name in lower_is_better if name in known]))

"""What a table is about."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Problem:
    """Tasks on one kind of data: how they are learned, and by what they are scored.

    Attributes:
        folder: where its networks go, below `results/`.
        presets: dict from name to `Settings`.
        data_sets: names of the data sets, the default first.
        load: function of such a name, `Settings`, a folder of files and one for what is made of
            them (or `None`) that returns the data.
        networks: the `Networks` of such data.
        tasks: names of all tasks.
        pair: names of those that the paper has, which are the default.
        columns: dict from task to a dict from heading to a score and the factor on it.
        headlines: dict from task to the score, or a tuple of those, by which networks are compared.
        lower_is_better: the tasks of which that score is an error; of tuples, the scores.
        paper_data: the data of the paper's numbers.
        checkpoints: whether its networks can start from published weights.
        without_folder: names of the data sets that are there without a folder of files.
        decimals: how many of a score are shown.
        timed: whether the time of inference is measured, and MACs are also counted task by task.
    """

    folder: str
    presets: dict
    data_sets: tuple
    load: object
    networks: type
    tasks: tuple
    pair: tuple
    columns: dict
    headlines: dict
    lower_is_better: tuple
    paper_data: str
    without_folder: tuple = ("rooms",)
    decimals: int = 1
    timed: bool = False
    checkpoints: bool = True

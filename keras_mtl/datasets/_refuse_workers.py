"""For data sets that gain nothing from workers."""


def refuse_workers(options, why):
    """Raises ValueError if these options of `keras.utils.PyDataset` ask for workers."""
    if options.get("workers", 1) > 1 or options.get("use_multiprocessing"):
        raise ValueError(
            f"`workers` must be at most 1, and `use_multiprocessing` False: {why}. "
            f"Received: {options}."
        )

"""What stands before all names of a checkpoint, and is no part of the network."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "backbone.")
"""Of `DataParallel`, of `torch.compile`, and what scripts call a network that they train."""


def spellings(arrays):
    """A dict by its names as they are, then without what stands before all of them, one by one."""
    yield arrays
    while prefix := next((each for each in PREFIXES if _before_all(each, arrays)), None):
        arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
        yield arrays


def without_prefixes(arrays):
    """A dict by names without what stands before all of them."""
    *_, bare = spellings(arrays)
    return bare


def _before_all(prefix, names):
    return bool(names) and all(name.startswith(prefix) and name != prefix for name in names)

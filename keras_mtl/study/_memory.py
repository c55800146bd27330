"""How much memory this process has taken at most."""

import sys


def peak_memory() -> int | None:
    """In bytes; `None` where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows.
        return None
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found

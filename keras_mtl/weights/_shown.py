"""Names out of files in errors, which stay short whatever a file holds."""

MOST_NAMES, MOST_CHARACTERS = 5, 40


def cut(name):
    """The first characters of a name."""
    name = str(name)
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1]}…"


def shown(names):
    """The first of some names, and how many there are."""
    names = list(names)
    first = f"{[cut(name) for name in names[:MOST_NAMES]]}"
    return first if len(names) <= MOST_NAMES else f"{first}, … of {len(names)}"

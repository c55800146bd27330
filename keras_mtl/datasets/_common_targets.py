"""What the rows of several sources have in common."""

from ._row_streams import describe


def common_targets(columns):
    """The targets of all tasks: a dict from task to the type and shape of a row's.

    Args:
        columns: Dict from a source's name to its columns, of one row or more.

    Raises:
        ValueError: The sources differ in the names or shapes of their inputs, or in the shapes of a
            task's targets.
    """
    first, *others = columns
    known = {}
    for name in columns:
        for key in columns[name]:
            known.setdefault(key, []).append(name)
    for key, names in known.items():
        for other in others if key[0] == "inputs" else names[1:]:
            reference = first if key in columns[first] else names[0]
            ours, theirs = (_shape(columns[each], key) for each in (reference, other))
            if ours != theirs:
                raise ValueError(
                    f"`sources` must have {describe(key)} of one shape. "
                    f"Received: {ours} in {reference!r} and {theirs} in {other!r}."
                )
    targets = {}
    for (kind, task), names in known.items():
        if kind == "targets":
            values = [columns[name][kind, task] for name in names]
            types = {each.dtype for each in values}
            # NaN, as well as numbers of every type, is a float.
            same = len(types) == 1 and len(names) == len(columns)
            targets[task] = (types.pop() if same else "float32", values[0].shape[1:])
            odd = [each.dtype for each in values if each.dtype.kind not in "biuf"]
            if odd and not same:
                raise ValueError(
                    f"`sources` must all have numbers as {describe((kind, task))}. "
                    f"Received: {odd[0]}."
                )
    return targets


def _shape(columns, key):
    return columns[key].shape[1:] if key in columns else "none"

"""How many rows of each source a step takes: whole rows for shares of them."""

import math
import numbers
from collections.abc import Mapping

from keras_mtl._checks import check_integer

_BLOCK = 16
"""Steps from one that is remembered to the next."""

_TOLERANCE = 1e-6
"""Of a row: what sums of shares lose to rounding."""


class Dealer:
    """Deals the rows of each step out to sources by their shares.

    After any number of steps each source has had its share of the rows so far, rounded down or up.
    For shares that stay the same this always works: of the rows that are left when every source
    has what is due, the next goes to the one whose own next row is due first. Shares that change
    unforeseen may cost a source a row more.

    Args:
        mix: List of the sources' shares, which add up to 1; or a function from the step to a dict
            of numbers by source.
        rows: Rows of a step.
        sources: Names of the sources.
    """

    def __init__(self, mix, rows, sources):
        self._mix, self._rows, self._sources = mix, rows, list(sources)
        # By block: what each source is owed, and has been given, when it starts. Threads write the
        # same, so that none waits for another.
        self._starts = {0: ([0.0] * len(self._sources), [0] * len(self._sources))}
        self._shares(0)

    def __call__(self, step):
        """The rows of each source before a step, and those in it: two lists."""
        block = min(step // _BLOCK, len(self._starts) - 1)
        owed, given = self._starts[block]
        for each in range(block * _BLOCK, step + 1):
            if each % _BLOCK == 0:
                self._starts[each // _BLOCK] = owed, given
            shares = self._shares(each)
            owed = [rest + share * self._rows for rest, share in zip(owed, shares, strict=True)]
            dealt = self._deal(owed, shares)
            before = given
            given = [sum(pair) for pair in zip(given, dealt, strict=True)]
            owed = [rest - rows for rest, rows in zip(owed, dealt, strict=True)]
        return before, dealt

    def _shares(self, step):
        if not callable(self._mix):
            return self._mix
        return _as_shares(f"mix({step})", self._mix(step), self._sources, zero=True)

    def _deal(self, owed, shares):
        dealt = [max(0, math.floor(rest + _TOLERANCE)) for rest in owed]
        left = self._rows - sum(dealt)
        for _ in range(-left):
            late = [number for number, rows in enumerate(dealt) if rows]
            dealt[min(late, key=lambda number: owed[number] - dealt[number])] -= 1

        def due(number):
            rest, share = owed[number] - dealt[number], shares[number]
            return rest < _TOLERANCE, (1 - rest) / share if share else math.inf

        for number in sorted(range(len(owed)), key=due)[: max(left, 0)]:
            dealt[number] += 1
        return dealt


def dealer_of(lengths, batch_size, mix, alternate):
    """Who deals, and in what: the `batch_size`, `mix` and `alternate` of `JoinedBatches`.

    Args:
        lengths: Dict from a source's name to its rows, None where that is not known.

    Returns:
        A `Dealer`, of rows or, with `alternate`, of batches; a dict from source to the rows of what
        is dealt; and the steps after which each source has given all its rows, None if unknown.
    """
    if isinstance(batch_size, Mapping):
        sizes = _own_sizes(batch_size, mix, lengths)
        if not alternate:
            rows, units, shares = sum(sizes.values()), dict.fromkeys(lengths, 1), sizes
        else:
            _refuse_unknown(lengths, "`batch_size` must be an integer", f"batch_size={batch_size}")
            rows, units = 1, sizes
            shares = {name: length / sizes[name] for name, length in lengths.items()}
        mix = _as_shares("batch_size", shares, lengths)
    else:
        size = check_integer("batch_size", batch_size, 1)
        rows, units = (1, size) if alternate else (size, 1)
        units = dict.fromkeys(lengths, units)
        mix = mix if callable(mix) else _shares_of(mix, lengths)
    dealer = Dealer(mix, rows, lengths)
    if callable(mix) or None in lengths.values():
        return dealer, units, None
    needed = [
        -(-length // units[name]) / (share * rows)
        for (name, length), share in zip(lengths.items(), mix, strict=True)
    ]
    # A whole number may come out a little larger.
    return dealer, units, math.ceil(max(needed) - 1e-9)


def _own_sizes(batch_size, mix, lengths):
    if not (isinstance(mix, str) and mix == "proportional"):
        raise ValueError(
            "`mix` must not be set if `batch_size` is a dict, which says how many rows each source "
            f"gives. Received: mix={mix!r}."
        )
    if set(batch_size) != set(lengths):
        raise ValueError(
            f"`batch_size` must have the rows of each of {list(lengths)}. Received: {batch_size}."
        )
    return {name: check_integer(f"batch_size[{name!r}]", batch_size[name], 1) for name in lengths}


def _shares_of(mix, lengths):
    """Shares of a `mix` that is no function."""
    if isinstance(mix, Mapping):
        return _as_shares("mix", mix, lengths)
    temperature = {"proportional": 1, "equal": math.inf}.get(mix) if isinstance(mix, str) else mix
    if not isinstance(temperature, numbers.Real) or not temperature > 0 or temperature is True:
        raise ValueError(
            "`mix` must be 'proportional', 'equal', a temperature > 0, a dict of shares by source, "
            f"or a function from the step to one. Received: mix={mix!r}."
        )
    if temperature == math.inf:
        return _as_shares("mix", dict.fromkeys(lengths, 1), lengths)
    _refuse_unknown(lengths, "`mix` must be 'equal', a dict or a function", f"mix={mix!r}")
    # Parts of the longest, for powers of lengths may be too large.
    longest = max(lengths.values())
    powers = {name: (each / longest) ** (1 / temperature) for name, each in lengths.items()}
    return _as_shares("mix", powers, lengths)


def _as_shares(argument, shares, names, zero=False):
    """Shares that add up to 1, in the order of the names, of a dict of numbers; checks it."""
    ok = isinstance(shares, Mapping) and set(shares) == set(names)
    ok = ok and all(map(_is_number, shares.values())) and sum(shares.values()) > 0
    if not ok or min(shares.values()) < 0 or (not zero and not all(shares.values())):
        some = ">= 0, and not all 0," if zero else "> 0"
        raise ValueError(
            f"`{argument}` must be a dict of numbers {some} for {list(names)}. "
            f"Received: {shares!r}."
        )
    total = sum(shares.values())
    return [float(shares[name] / total) for name in names]


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _refuse_unknown(lengths, what, received):
    unknown = [name for name, length in lengths.items() if length is None]
    if unknown:
        raise ValueError(f"{what}: the length of {unknown} is not known. Received: {received}.")

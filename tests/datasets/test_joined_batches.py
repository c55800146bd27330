"""Several data sets as one: which rows come when, worked out from what the docstring promises."""

import collections
import itertools

import keras
import numpy as np
import pytest

from keras_mtl.datasets import ArrayBatches, JoinedBatches, LazyArray

SIZES = {"a": 7, "b": 30, "c": 12}


def numbers(name, count):
    """Numbers that tell the rows of all sources apart."""
    return 1000.0 * "abc".index(name) + np.arange(count, dtype="float32")


def arrays(name, count):
    x = numbers(name, count)
    return x[:, None], {name: x, "all": x.astype("int64")}


def make(batch_size=8, sizes=SIZES, as_source=arrays, **kwargs):
    return JoinedBatches({n: as_source(n, size) for n, size in sizes.items()}, batch_size, **kwargs)


def rows_of(batch, tasks="abc"):
    """The rows of a batch by source, having checked that each has its own labels, and no other."""
    images, targets = batch
    ids = images[:, 0]
    for place, task in enumerate(tasks):
        np.testing.assert_array_equal(targets[task], np.where(ids // 1000 == place, ids, np.nan))
    np.testing.assert_array_equal(targets["all"], ids)
    return {task: (ids[ids // 1000 == n] % 1000).tolist() for n, task in enumerate(tasks)}


def read(data, epochs=1):
    """The rows of each source over some epochs."""
    found = collections.defaultdict(list)
    for _ in range(epochs):
        for batch in data:
            for name, rows in rows_of(batch).items():
                found[name] += rows
        data.on_epoch_end()
    return found


def assert_same(batches, others):
    for (x, y), (other_x, other_y) in zip(batches, others, strict=True):
        np.testing.assert_array_equal(x, other_x, strict=True)
        assert list(y) == list(other_y)
        for task in y:
            np.testing.assert_array_equal(y[task], other_y[task], strict=True)


# A schedule whose shares change from step to step.
def schedule(step):
    return {"a": 1, "b": step % 3, "c": min(step, 20) / 10}


def test_a_batch_is_source_by_source_with_targets_of_all_tasks():
    data = make()
    assert data.tasks == ["a", "all", "b", "c"] and list(data[0][1]) == data.tasks
    for step, (images, targets) in enumerate(data):
        assert images.dtype == np.float32 and len(images) == 8
        # What all have keeps its type, what is missing somewhere is a float.
        assert targets["all"].dtype == np.int32 and targets["a"].dtype == np.float32
        sources = [name for name, rows in data.rows(step).items() for _ in range(rows)]
        assert ["abc"[int(each) // 1000] for each in images[:, 0]] == sources
        rows_of((images, targets))


def test_targets_of_any_shape_are_nan_where_unknown():
    maps, classes = np.ones((4, 3, 3, 2), "uint8"), np.arange(4)
    images = np.zeros((4, 3, 3, 1), "uint8")
    data = JoinedBatches(
        {"maps": (images, maps), "classes": (images, classes)}, 4, shuffle=False, dtype="uint8"
    )
    images, targets = data[0]
    assert images.dtype == np.uint8
    assert targets["maps"].dtype == targets["classes"].dtype == np.float32
    np.testing.assert_array_equal(targets["maps"][:2], maps[:2])
    assert np.isnan(targets["maps"][2:]).all() and np.isnan(targets["classes"][:2]).all()
    np.testing.assert_array_equal(targets["classes"][2:], [0, 1])


def test_types_that_differ_become_floats():
    x = np.zeros((4, 1))
    pairs = {name: (x, {"t": np.ones(4, name)}) for name in ("int64", "float32")}
    assert JoinedBatches(pairs, 2)[0][1]["t"].dtype == np.float32
    pair = {"bool": (x, {"t": np.ones(4, "bool")})}
    assert JoinedBatches(pair, 2)[0][1]["t"].dtype == bool


def test_inputs_by_name():
    x = numbers("a", 4)
    pairs = {name: ({"left": x, "right": x[:, None]}, x) for name in "ab"}
    inputs, targets = JoinedBatches(pairs, 4)[0]
    assert list(inputs) == ["left", "right"] and inputs["right"].shape == (4, 1)
    np.testing.assert_array_equal(inputs["left"], inputs["right"][:, 0])
    known = np.where(np.isnan(targets["a"]), targets["b"], targets["a"])
    np.testing.assert_array_equal(known, inputs["left"])


MIXES = {
    "proportional": [7 / 49, 30 / 49, 12 / 49],
    "equal": [1 / 3] * 3,
    1: [7 / 49, 30 / 49, 12 / 49],
    float("inf"): [1 / 3] * 3,
    2: np.sqrt([7, 30, 12]) / np.sqrt([7, 30, 12]).sum(),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("batch_size", [1, 2, 8, 13])
@pytest.mark.parametrize("mix", [*MIXES, {"a": 5, "b": 0.1, "c": 2}], ids=str)
def test_shares_hold_after_any_number_of_steps(mix, batch_size):
    data = make(batch_size, mix=mix)
    shares = np.array(list(mix.values())) / 7.1 if isinstance(mix, dict) else MIXES[mix]
    given = np.zeros(3)
    for step in range(200):
        rows = np.array([*data.rows(step).values()])
        assert rows.sum() == batch_size and rows.min() >= 0
        given += rows
        assert np.abs(given - (step + 1) * batch_size * np.array(shares)).max() < 1 + 1e-5


@pytest.mark.one_backend
def test_shares_of_many_sources(rng):
    """Rounding each on its own would go wrong here: rows would be taken back, or be too many."""
    pair = np.zeros((2, 1)), np.zeros(2)
    for _ in range(20):
        shares = rng.random(rng.integers(4, 9)) ** 4 + 1e-3
        mix = {str(name): share for name, share in enumerate(shares)}
        data = JoinedBatches(dict.fromkeys(mix, pair), int(rng.integers(1, 4)), mix, steps=1)
        rows = np.array([[*data.rows(step).values()] for step in range(150)])
        due = np.outer(np.arange(1, 151) * rows[0].sum(), shares / shares.sum())
        assert (rows >= 0).all() and len(set(rows.sum(1))) == 1
        assert np.abs(rows.cumsum(0) - due).max() < 1 + 1e-5


def test_a_schedule():
    data = make(mix=schedule, steps=10)
    assert len(data) == 10
    due = np.zeros(3)
    for step in range(60):
        shares = np.array([*schedule(step).values()])
        due += 8 * shares / shares.sum()
        given = sum(np.array([*data.rows(each).values()]) for each in range(step + 1))
        assert np.abs(given - due).max() < 1 + 1e-5
    assert [len(rows) for rows in rows_of(data[0]).values()] == [*data.rows(0).values()]


def test_own_batch_sizes():
    data = make({"a": 1, "b": 4, "c": 2})
    for step, batch in enumerate(data):
        assert [len(rows) for rows in rows_of(batch).values()] == [1, 4, 2]
        assert data.rows(step) == {"a": 1, "b": 4, "c": 2}
    assert len(data) == 8  # 7 / 1, 30 / 4, 12 / 2


@pytest.mark.parametrize(
    "kwargs, shares",
    [
        ({}, [7, 30, 12]),
        ({"mix": "equal"}, [1, 1, 1]),
        ({"mix": {"a": 1, "b": 5, "c": 3}}, [1, 5, 3]),
        # So that all take equally many turns to go through theirs.
        ({"batch_size": {"a": 1, "b": 4, "c": 2}}, [7, 7.5, 6]),
    ],
)
def test_alternate(kwargs, shares):
    data = make(**{"batch_size": 4, **kwargs}, alternate=True)
    sizes = kwargs.get("batch_size", dict.fromkeys("abc", 4))
    turns = []
    for batch in data:
        ((name, rows),) = ((name, rows) for name, rows in rows_of(batch).items() if rows)
        assert len(rows) == sizes[name]
        turns.append(name)
    counts = np.cumsum([[name == each for each in "abc"] for name in turns], axis=0)
    due = np.outer(np.arange(1, len(turns) + 1), np.array(shares) / sum(shares))
    assert np.abs(counts - due).max() < 1
    assert all(len(set(rows)) == SIZES[name] for name, rows in read(data).items())


@pytest.mark.parametrize("mix", ["proportional", "equal", 2, {"a": 1, "b": 1, "c": 4}], ids=str)
def test_a_row_comes_once_a_pass_over_the_borders_of_epochs(mix):
    found = read(make(mix=mix), epochs=4)
    assert set(found) == set(SIZES)
    orders = set()
    for name, rows in found.items():
        passes = [rows[start : start + SIZES[name]] for start in range(0, len(rows), SIZES[name])]
        assert len(passes) > 3
        for each in passes[:-1]:
            assert sorted(each) == list(range(SIZES[name]))
        orders |= {tuple(each) for each in passes}
        assert len(set(passes[-1])) == len(passes[-1])
    assert len(orders) > 9


def test_without_shuffling_the_order_is_the_sources_own():
    for name, rows in read(make(shuffle=False), epochs=2).items():
        assert rows == [place % SIZES[name] for place in range(len(rows))]


@pytest.mark.parametrize(
    "kwargs, steps",
    [
        ({}, 126),  # 1007 rows
        ({"mix": "equal"}, 250),  # 4 a step of 1000
        ({"mix": 2}, 136),  # √1000 / (√1000 + √7) of 8 is 7.38
        ({"mix": {"short": 1, "long": 3}}, 167),  # 6 a step of 1000
        ({"mix": {"short": 1, "long": 999}}, 875),  # 0.008 a step of 7
        ({"batch_size": {"short": 1, "long": 100}}, 10),
        ({"batch_size": {"short": 1, "long": 500}}, 7),
        ({"alternate": True}, 144),  # the first turn of 7 in 1007
        ({"alternate": True, "mix": "equal"}, 250),  # every other one
        (
            {"alternate": True, "batch_size": {"short": 2, "long": 100}},
            16,
        ),  # 4 turns in 3.5 of 13.5
        ({"mix": "equal", "steps": 5}, 5),
    ],
    ids=str,
)
def test_an_epoch_ends_when_every_source_has_been_gone_through(kwargs, steps):
    sizes = {"short": 7, "long": 1000}
    sources = {name: (numbers("a", size), numbers("a", size)) for name, size in sizes.items()}
    data = JoinedBatches(sources, **{"batch_size": 8, **kwargs})
    assert len(data) == steps
    rows = collections.Counter()
    for step in range(steps):
        rows.update(data.rows(step))
    done = [rows[name] >= size for name, size in sizes.items()]
    rows.subtract(data.rows(steps - 1))
    assert "steps" in kwargs or all(done)
    # Not earlier; nor by more than the row that rounding may bring forward, or its batch.
    unit = kwargs.get("batch_size", {"short": 8, "long": 8}) if kwargs.get("alternate") else {}
    ahead = [rows[name] - unit.get(name, 1) >= size for name, size in sizes.items()]
    assert "steps" in kwargs or not all(ahead)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"mix": schedule, "steps": 7},
        {"alternate": True, "mix": "equal"},
        {"batch_size": {"a": 1, "b": 4, "c": 2}},
    ],
    ids=["mixed", "schedule", "alternate", "own sizes"],
)
def test_a_batch_is_a_function_of_seed_epoch_and_place(kwargs):
    def noise(images, targets, rng):
        return images, {**targets, "noise": rng.random(len(images))}

    kwargs = {"seed": 3, "augment": noise, **kwargs}
    data = make(**kwargs)
    epochs = []
    for _ in range(4):
        epochs.append(list(data))
        data.on_epoch_end()
    drawn = np.concatenate([targets["noise"] for epoch in epochs for _, targets in epoch])
    assert len(set(drawn)) == len(drawn)
    for epoch in (2, 0):
        assert_same(make(epoch=epoch, **kwargs), epochs[epoch])
    other = make(**kwargs)
    for epoch, index in ((3, 4), (0, 6), (3, 0), (1, 2)):
        other.epoch = epoch
        assert_same([other[index]], [epochs[epoch][index]])
    assert (make(**{**kwargs, "seed": 4})[0][0] != epochs[0][0][0]).any()


class Plain(keras.utils.PyDataset):
    """Batches in an order of their own, the last smaller."""

    def __init__(self, x, y, batch_size=5):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[rows], {task: values[rows] for task, values in self.y.items()}


class Endless(Plain):
    @property
    def num_batches(self):
        return None

    def __getitem__(self, index):
        return super().__getitem__(index % 2)


def plain(name, count):
    return Plain(*arrays(name, count))


def ours(name, count):
    return ArrayBatches(*arrays(name, count), batch_size=4, seed=5)


def lazy(name, count):
    x, y = arrays(name, count)
    as_lazy = {task: LazyArray(each.__getitem__, count) for task, each in y.items()}
    return LazyArray(x.__getitem__, count), as_lazy


def tensors(name, count):
    x, y = arrays(name, count)
    return keras.ops.convert_to_tensor(x), y


def tf_data(name, count):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays(name, count)).batch(5)


def tf_data_of_unknown_length(name, count):
    return tf_data(name, count).filter(lambda x, y: x[0, 0] >= 0)


def grain_map(name, count):
    grain = pytest.importorskip("grain")
    x, y = arrays(name, count)
    row = lambda n: (x[n], {task: each[n] for task, each in y.items()})  # noqa: E731
    return grain.MapDataset.source(range(count)).seed(1).shuffle().map(row).batch(5)


def grain_iter(name, count):
    return grain_map(name, count).to_iter_dataset()


RANDOM_ACCESS = [arrays, lazy, tensors, plain, ours, grain_map]
SEQUENTIAL = [tf_data, tf_data_of_unknown_length, grain_iter]


@pytest.mark.parametrize("as_source", [*RANDOM_ACCESS, *SEQUENTIAL])
def test_all_kinds_of_sources_give_all_their_rows(as_source):
    kwargs = {"as_source": as_source, "mix": {"a": 1, "b": 3, "c": 1}, "steps": 9}
    data = make(**kwargs)
    epochs = [list(data), data.on_epoch_end(), list(data)][::2]
    found = read(make(**kwargs), epochs=4)
    for name, rows in found.items():
        once, count = SIZES[name], len(rows)
        passes = [rows[start : start + once] for start in range(0, count - once + 1, once)]
        assert len(passes) >= 3
        assert all(sorted(each) == list(range(once)) for each in passes)
        if SIZES[name] > 10:  # more batches than one are full
            assert (passes[0] == passes[1]) == (as_source in SEQUENTIAL)
    assert_same(make(epoch=1, **kwargs), epochs[1])
    # Backwards, which sequential sources start again for.
    data.epoch = 0
    assert_same([data[5], data[1]], [epochs[0][5], epochs[0][1]])
    assert getattr(data, "in_order", False) == (as_source in SEQUENTIAL)


def test_lengths():
    """By default an epoch is as long, but for the last batch of what cannot tell its length."""
    for as_source in (arrays, lazy, plain, ours):
        assert len(make(2, as_source=as_source)) == 25
    assert len(make(2, as_source=tf_data)) == 28  # 10 + 30 + 15 rows


def test_our_data_sets_have_their_own_order_in_every_pass():
    own = ours("a", 7)
    own.epoch = 3  # has no effect
    data = JoinedBatches({"a": own}, 6, steps=7)
    rows = np.concatenate([images[:, 0] for images, _ in data]).tolist()
    assert rows == np.concatenate([own.order(epoch) for epoch in range(6)]).tolist()


def test_batches_of_a_py_dataset_are_mixed_but_for_the_last():
    data = JoinedBatches({"b": plain("b", 33)}, 33, steps=3)
    orders = {tuple(images[:, 0].astype(int) % 1000) for images, _ in data}
    assert len(orders) == 3
    for order in orders:
        assert order[30:] == (30, 31, 32)
        assert all(
            order[n : n + 5] == tuple(range(order[n], order[n] + 5)) for n in range(0, 30, 5)
        )
    (images, _), _ = JoinedBatches({"b": plain("b", 33)}, 33, steps=2, shuffle=False)
    assert (images[:, 0] % 1000).tolist() == list(range(33))


def test_an_endless_py_dataset():
    data = JoinedBatches({"a": Endless(*arrays("a", 10))}, 4, mix="equal", steps=5)
    assert np.concatenate([x[:, 0] for x, _ in data]).tolist() == [*range(10)] * 2


@pytest.mark.one_backend
def test_sources_need_not_be_held_whole():
    """Nothing is read but what is asked for, and a batch of a source once."""
    asked = []

    class Logged(Plain):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    data = JoinedBatches({"b": Logged(*arrays("b", 1000))}, 2, shuffle=False)
    asked.clear()
    for index in range(10):
        data[index]
    assert asked == [1, 2, 3] or asked == [0, 1, 2, 3]


@pytest.mark.parametrize("as_source", [lazy, plain, ours, grain_map])
def test_threads_make_no_difference(as_source):
    kwargs = {"as_source": as_source, "augment": {"a": add_noise}, "seed": 2}
    data, ahead = make(**kwargs), make(workers=2, **kwargs)
    for _ in range(3):
        assert_same(ahead, list(data))
        data.on_epoch_end(), ahead.on_epoch_end()
    assert_same(make(workers=3, epoch=2, **kwargs), make(epoch=2, **kwargs))


def add_noise(images, targets, rng):
    return images, {task: each + rng.integers(9) for task, each in targets.items()}


def number(place):
    return np.full((1,), place, "float32")


def classes(place):
    return np.int32(place)


@pytest.mark.one_backend
def test_processes_make_no_difference():
    def data(**kwargs):
        images = LazyArray(number, 6)
        sources = {"a": (images, LazyArray(classes, 6)), "b": (images, np.zeros(6))}
        return JoinedBatches(sources, 4, {"a": 1, "b": 2}, augment=add_noise, **kwargs)

    ahead = data(workers=2, use_multiprocessing=True)
    assert_same([ahead[index] for index in range(4)], [data()[index] for index in range(4)])


def test_augmentation_is_handed_its_sources_true_targets():
    seen = collections.defaultdict(set)

    def of(name):
        def augment(images, targets, rng):
            assert set(targets) == {name, "all"} and targets["all"].dtype == np.int32
            assert images.dtype == np.float32 and not np.isnan(targets[name]).any()
            seen[name].add(rng.random())
            images += 0.5  # in place: the source keeps its own
            return images, targets

        return augment

    data = make(augment={"a": of("a"), "b": of("b")})
    for _ in range(2):
        for images, targets in data:
            half = np.where(np.isnan(targets["c"]), 0.5, 0)
            np.testing.assert_array_equal(images[:, 0] - half, targets["all"])
        data.on_epoch_end()
    assert set(seen) == {"a", "b"} and len(seen["a"] | seen["b"]) == len(seen["a"]) + len(seen["b"])


def test_augmentation_may_bring_sources_to_one_shape():
    pairs = {str(size): (np.ones((4, size, size, 1)), np.ones(4)) for size in (6, 8)}

    def crop(images, targets, rng):
        return images[:, :6, :6], targets

    assert JoinedBatches(pairs, 4, augment=crop)[0][0].shape == (4, 6, 6, 1)
    with pytest.raises(
        ValueError, match=r"images of one shape.*\(6, 6, 1\) in '6' and \(8, 8, 1\)"
    ):
        JoinedBatches(pairs, 4)


def masked(y_true, y_pred):
    known = keras.ops.logical_not(keras.ops.isnan(y_true))
    error = keras.ops.where(known, y_true, 0.0) - keras.ops.reshape(y_pred, (-1,))
    return keras.ops.where(known, error**2, 0.0)


def fit(data, first, last, weights=None):
    inputs = keras.Input((1,))
    x = keras.layers.Dense(3, "tanh", kernel_initializer="ones")(inputs / 40)
    heads = {n: keras.layers.Dense(1, kernel_initializer="ones", name=n)(x) for n in ("up", "down")}
    model = keras.Model(inputs, heads)
    model.compile(keras.optimizers.SGD(0.05), {"up": masked, "down": masked})
    if weights is not None:
        model.set_weights(weights)
    log = model.fit(data, initial_epoch=first, epochs=last, shuffle=False, verbose=0).history
    return model.get_weights(), log["loss"]


@pytest.mark.parametrize("kind", ["arrays", "batches"])
def test_fit_goes_on_bit_for_bit(kind):
    x = np.arange(40, dtype="float32")[:, None]

    def data(**kwargs):
        down = (x[::4], -x[::4, 0] / 40)
        down = down if kind == "arrays" else Plain(down[0], {"down": down[1]}, batch_size=3)
        return JoinedBatches({"up": (x, x[:, 0] / 40), "down": down}, 8, "equal", **kwargs)

    whole, loss = fit(data(), 0, 8)
    assert np.isfinite(loss).all() and loss[-1] < loss[0] / 3
    half, _ = fit(data(), 0, 3)
    resumed, _ = fit(data(epoch=3), 3, 8, half)
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_of_tf_data():
    tf = pytest.importorskip("tensorflow")
    x = np.arange(40, dtype="float32")[:, None]
    down = tf.data.Dataset.from_tensor_slices((x, -x[:, 0] / 40)).batch(3)
    data = JoinedBatches({"up": (x, x[:, 0] / 40), "down": down}, 8, "equal")
    _, loss = fit(data, 0, 8)
    assert np.isfinite(loss).all() and loss[-1] < loss[0] / 3


X, Y = np.zeros((4, 2)), np.zeros(4)
TWO = {"a": (X, Y), "b": (X, Y)}


class Triple(Plain):
    def __getitem__(self, index):
        return *super().__getitem__(index), None


REFUSALS = [
    ({"sources": [X, Y]}, "`sources` must be a dict.*list"),
    ({"sources": {}}, "`sources` must be a dict"),
    ({"sources": {1: (X, Y)}}, r"`sources` must be a dict from names.*\[1\]"),
    ({"sources": {"a": X}}, r"`sources\['a'\]` must be a pair.*ndarray"),
    ({"sources": {"a": (X,)}}, r"`sources\['a'\]` must be or give pairs.*1 things"),
    ({"sources": {"a": (X, Y[:3])}}, r"sources\['a'\].*as many rows.*4.*3"),
    ({"sources": {"a": (X[:0], Y[:0])}}, r"sources\['a'\].*one or more"),
    ({"sources": {"a": (X, {})}}, r"sources\['a'\].*must be or give pairs"),
    ({"sources": {"a": (X, {"t": [0, 0, 0, 0]})}}, r"sources\['a'\].*\"targets 't'\": None"),
    ({"sources": {"a": (X, None)}}, r"sources\['a'\].*None"),
    ({"sources": {"a": Triple(X, {"a": Y})}}, r"sources\['a'\].*pairs \(x, y\).*3 things"),
    ({"sources": {"a": Plain(X[:0], {"a": Y})}}, r"sources\['a'\].*batch or more"),
    (
        {"sources": {**TWO, "c": (X[:, :1], Y)}},
        r"images of one.*\(2,\) in 'a' and \(1,\) in 'c'",
    ),
    ({"sources": {**TWO, "c": ({"x": X}, Y)}}, "of one shape.*in 'a' and .*in 'c'"),
    (
        {"sources": {"a": (X, {"t": Y}), "b": (X, {"t": X})}},
        r"targets 't' of one shape.*\(\) in",
    ),
    ({"sources": {**TWO, "c": (X, np.array(list("abcd")))}}, "numbers as targets 'c'.*U1"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"batch_size": 2.5}, "batch_size=2.5"),
    ({"batch_size": {"a": 1}}, r"`batch_size` must have the rows of each of \['a', 'b'\]"),
    ({"batch_size": {"a": 1, "b": 0}}, r"batch_size\['b'\]=0"),
    ({"batch_size": {"a": 1, "b": 2}, "mix": "equal"}, "`mix` must not be set if `batch_size`"),
    ({"mix": "even"}, "`mix` must be 'proportional'.*'even'"),
    ({"mix": 0}, "`mix` must be.*0"),
    ({"mix": float("nan")}, "`mix` must be.*nan"),
    ({"mix": True}, "`mix` must be.*True"),
    ({"mix": None}, "`mix` must be.*None"),
    ({"mix": {"a": 1}}, r"`mix` must be a dict of numbers > 0 for \['a', 'b'\]"),
    ({"mix": {"a": 1, "b": 0}}, "`mix` must be a dict of numbers > 0"),
    ({"mix": {"a": 1, "b": "2"}}, "`mix` must be a dict of numbers > 0"),
    ({"mix": lambda step: {"a": 0, "b": 0}, "steps": 2}, r"`mix\(0\)` must.*not all 0"),
    ({"mix": lambda step: {"a": -1, "b": 2}, "steps": 2}, r"`mix\(0\)` must.*>= 0"),
    ({"mix": lambda step: {"a": 1, "b": 2}}, "`steps` must be an integer where `mix`.*None"),
    ({"sources": {"a": Endless(X, {"a": Y})}}, r"`mix` must be 'equal'.*\['a'\]"),
    ({"sources": {"a": Endless(X, {"a": Y})}, "mix": 2}, r"`mix` must be 'equal'.*\['a'\]"),
    ({"sources": {"a": Endless(X, {"a": Y})}, "mix": "equal"}, "`steps` must be.*None"),
    (
        {"sources": {"a": Endless(X, {"a": Y})}, "batch_size": {"a": 1}, "alternate": True},
        r"`batch_size` must be an integer.*\['a'\]",
    ),
    ({"steps": 0}, "steps=0"),
    ({"seed": -1}, "seed=-1"),
    ({"epoch": -1}, "epoch=-1"),
    ({"augment": "flip"}, "`augment` must be.*flip"),
    ({"augment": {"c": add_noise}}, "`augment` must be.*'c'"),
    ({"augment": lambda x, y, rng: (x[:0], y)}, "`augment` must keep the 1 rows"),
]


@pytest.mark.one_backend
@pytest.mark.parametrize("kwargs, message", REFUSALS, ids=[message for _, message in REFUSALS])
def test_refusals(kwargs, message):
    with pytest.raises(ValueError, match=message):
        JoinedBatches(**{"sources": TWO, "batch_size": 2, **kwargs})


@pytest.mark.parametrize("as_source", SEQUENTIAL)
def test_what_is_read_from_its_start_refuses_workers(as_source):
    kwargs = {"as_source": as_source, "mix": "equal", "steps": 2}
    for workers in ({"workers": 2}, {"use_multiprocessing": True}):
        with pytest.raises(ValueError, match="`workers` must be.*only be read from their start"):
            make(**kwargs, **workers)


@pytest.mark.parametrize("as_source", [tf_data_of_unknown_length, grain_iter])
def test_unknown_lengths_are_refused(as_source):
    with pytest.raises(ValueError, match=r"`mix` must be 'equal'.*\['a', 'b', 'c'\] is not known"):
        make(as_source=as_source)


def test_refusals_while_reading():
    x, y = arrays("a", 25)
    with pytest.raises(ValueError, match="batches of one size.*3 rows in batch 3, not 5"):
        list(JoinedBatches({"a": Uneven(x, y)}, 4))
    narrow = Plain(LazyArray(lambda n: np.zeros(1 + (11 < n < 15)), 20), {"a": np.zeros(20)}, 3)
    with pytest.raises(ValueError, match=r"`sources\['a'\]` must give rows of the same names"):
        list(itertools.islice(JoinedBatches({"a": narrow}, 3), 7))

    def shares(step):
        return {"a": 1 - step}

    data = JoinedBatches({"a": (X, Y)}, 2, shares, steps=3)
    with pytest.raises(ValueError, match=r"`mix\(1\)` must be"):
        list(data)


class Uneven(Plain):
    """The last but one batch is smaller."""

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        rows = 3 if index == 3 else 5
        return x[:rows], {task: values[:rows] for task, values in y.items()}

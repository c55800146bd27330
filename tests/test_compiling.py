"""What a multi-task model is compiled and trained with: spelling, order, and what changes later."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl import MultiTaskModel
from keras_mtl.multi_task_model._check_targets import check_targets
from keras_mtl.sharing import Branched, CrossStitched, Modulated
from keras_mtl.towers import Tower

# In another order than the alphabet's.
WIDTHS = {"width": 1, "height": 2}


def tower():
    image = keras.Input((3,), name="image")
    x = layers.Dense(4, name="one")(image)
    return Tower(keras.Model(image, layers.Dense(4, name="two")(x)), ["one"])


def model_of(sharing=None, **of_heads):
    of_heads = of_heads or {task: layers.Dense(units) for task, units in WIDTHS.items()}
    return MultiTaskModel(tower(), sharing or Branched.hard_sharing(), of_heads)


def compiled(**options):
    model = model_of()
    model.compile(**{"optimizer": "sgd", "loss": {"width": "mse", "height": "mse"}, **options})
    return model


def batch(count=4):
    x = np.ones((count, 3), "float32")
    return x, {task: np.ones((count, units), "float32") for task, units in WIDTHS.items()}


class Batches(keras.utils.PyDataset):
    def __init__(self, data):
        super().__init__()
        self.data = data

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.data


def of_tensorflow(data):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors(data).repeat(2)


def generator(data):
    while True:
        yield data


WAYS = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "fit tf.data": lambda model, x, y: model.fit(of_tensorflow((x, y)), verbose=0),
    "fit generator": lambda model, x, y: model.fit(generator((x, y)), steps_per_epoch=1, verbose=0),
    "fit PyDataset": lambda model, x, y: model.fit(Batches((x, y)), verbose=0),
    "validation": lambda model, x, y: model.fit(*batch(), validation_data=(x, y), verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0),
    "evaluate generator": lambda model, x, y: model.evaluate(generator((x, y)), steps=1, verbose=0),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "task_gradients": lambda model, x, y: keras_mtl.gradients.task_gradients(model, (x, y)),
}


def only_tensorflow_reads(way):
    if "tf.data" in way and keras.backend.backend() != "tensorflow":
        pytest.skip("the other backends take what NumPy reads of it")


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("way", WAYS)
def test_targets_in_a_list_are_refused_whichever_way_they_come(way, kind):
    only_tensorflow_reads(way)
    if kind is list and ("tf.data" in way or "generator" in way):
        pytest.skip("TensorFlow makes one tensor of a list")
    x, y = batch()
    with pytest.raises(ValueError, match=r"`y` must be a dict by the task names \['width', 'he"):
        WAYS[way](compiled(), x, kind(y.values()))


@pytest.mark.parametrize("way", WAYS)
def test_a_misspelt_target_is_named_whichever_way_it_comes(way):
    only_tensorflow_reads(way)
    x, y = batch()
    y["hieght"] = y.pop("height")
    with pytest.raises(ValueError, match=r"unknown tasks \['hieght'\].*\['width', 'height'\]"):
        WAYS[way](compiled(), x, y)


@pytest.mark.parametrize("argument", ["loss", "loss_weights", "metrics", "weighted_metrics"])
def test_what_is_compiled_names_the_outputs(argument):
    value = {"loss": "mse", "loss_weights": 1.0}.get(argument, ["mae"])
    known = r"unknown tasks \['hieght'\]. Known tasks: \['width', 'height'\]"
    with pytest.raises(ValueError, match=f"`{argument}` has {known}"):
        compiled(**{argument: {"width": value, "hieght": value}})
    with pytest.raises(ValueError, match=f"`{argument}` must be a dict .*a list of 2"):
        compiled(**{argument: [value, value]})


def test_loss_weights_are_of_their_losses():
    """Keras packs weights of other keys in the order of the alphabet."""
    model = compiled(loss_weights={"height": 3.0})
    x, y = batch()
    found = model.evaluate(x, y, return_dict=True, verbose=0)
    np.testing.assert_allclose(
        found["loss"], found["width_loss"] + 3 * found["height_loss"], rtol=1e-5
    )
    with (
        pytest.warns(UserWarning, match="`loss` has none for \\['height'\\]"),
        pytest.raises(ValueError, match="`loss_weights` must be of outputs with a loss"),
    ):
        compiled(loss={"width": "mse"}, loss_weights={"height": 3.0})


def test_a_task_without_a_loss_is_said():
    with pytest.warns(UserWarning, match=r"`loss` has none for \['height'\]"):
        compiled(loss={"width": "mse"})
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        compiled(loss={"width": "mse", "height": None})


@pytest.mark.parametrize(
    "optimizer, warned",
    [
        ("adam", True),
        (lambda: keras.optimizers.SGD(0.1), True),
        (lambda: keras_mtl.optimizers.Adam(1e-3), False),
    ],
)
@pytest.mark.parametrize("sharing", [CrossStitched(), Modulated(learning_rate_multiplier=10.0)])
def test_an_optimizer_that_loses_the_units_rate_is_named(sharing, optimizer, warned):
    model = model_of(sharing)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer = optimizer if isinstance(optimizer, str) else optimizer()
        model.compile(optimizer, {"width": "mse", "height": "mse"})
    found = [str(each.message) for each in caught if "keras_mtl.optimizers" in str(each.message)]
    assert len(found) == warned
    if warned:
        assert "trains stitch_one/alpha" in found[0] or "trains gate_one/gate" in found[0]


def test_the_outputs_stand_in_the_order_of_the_tasks():
    x, _ = batch()
    model = compiled()
    assert list(model.predict(x, verbose=0)) == list(WIDTHS)
    assert list(model.predict_on_batch(x)) == list(WIDTHS)


def test_labels_out_of_range_of_a_plain_head_are_refused():
    model = model_of(kind=layers.Dense(3), width=layers.Dense(1))
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", {"kind": crossentropy, "width": "mse"})
    x = np.ones((2, 3), "float32")
    for kind in (np.array([0, 3]), np.array([-2, 0]), np.array([0.0, 0.5])):
        with pytest.raises(ValueError, match=r"`y\['kind'\]` must hold labels from 0 to 2"):
            model.fit(x, {"kind": kind, "width": np.ones(2)}, verbose=0)
    model.fit(x, {"kind": np.array([0.0, 2.0]), "width": np.ones(2)}, verbose=0)
    some = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    model.compile("sgd", {"kind": some, "width": "mse"})
    model.fit(x, {"kind": np.array([255, 2]), "width": np.ones(2)}, verbose=0)


def kernels(model, stage="one"):
    return [np.array(weight) for weight in model.stage("width", stage).get_weights()]


def test_freezing_after_compile_asks_for_another_compile():
    """Plain Keras freezes on PyTorch, learns on with TensorFlow and raises on JAX."""
    model, data = compiled(), batch()
    model.fit(*data, verbose=0)
    model.freeze("one")
    for train in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match="`compile` must be called again"):
            train(*data)
    model.compile("sgd", {"width": "mse", "height": "mse"})
    before = kernels(model)
    model.fit(*data, verbose=0)
    np.testing.assert_array_equal(kernels(model)[0], before[0])
    assert model.unfreeze("one") is model
    with pytest.raises(ValueError, match="`compile` must be called again"):
        model.fit(*data, verbose=0)
    model.compile("sgd", {"width": "mse", "height": "mse"})
    model.fit(*data, verbose=0)
    assert not np.array_equal(kernels(model)[0], before[0])


def test_alphas_that_are_no_numbers_end_the_training():
    model = model_of(CrossStitched(["one"]))
    model.compile(keras_mtl.optimizers.SGD(1e-3), {"width": "mse", "height": "mse"})
    x, y = batch()
    ended = []
    callback = keras.callbacks.LambdaCallback(on_train_end=lambda logs: ended.append(True))
    with pytest.raises(FloatingPointError, match="alpha of 'stitch_one'.*after epoch 1"):
        model.fit(x * np.inf, y, epochs=3, callbacks=callback, verbose=0)
    assert ended == [True]


def test_callbacks_of_keras_know_which_metric_is_better():
    model = model_of(width=layers.Dense(1))
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae", "accuracy"])
    x, y = batch()
    for metric in ("mae", "accuracy"):  # "auto" is a ValueError of one that does not say it.
        stop = keras.callbacks.EarlyStopping(f"val_{metric}", patience=1)
        data = x, y["width"]
        found = model.fit(*data, epochs=4, validation_data=data, callbacks=[stop], verbose=0)
        assert len(found.epoch) == 2


def test_tasks_are_left_out_and_learned_again():
    model, (x, y) = compiled(), batch()
    for left_out, learned in (("width", "height"), ("height", "width")):
        assert model.leave_out(left_out) is model and model.left_out == [left_out]
        before = [ops.convert_to_numpy(model.head(task).kernel) for task in (left_out, learned)]
        model.fit(x, y, verbose=0)
        after = [ops.convert_to_numpy(model.head(task).kernel) for task in (left_out, learned)]
        np.testing.assert_array_equal(after[0], before[0])
        assert (after[1] != before[1]).any()
    with pytest.raises(ValueError, match="`task` must be one of.*depth"):
        model.leave_out("width", "depth")
    assert model.left_out == ["height"]


def test_what_is_left_out_in_the_midst_of_fit_is_learned_by_the_next():
    model, data = compiled(), batch()

    def leave_out(epoch, logs):
        model.leave_out("width")
        if epoch == 1:
            raise KeyboardInterrupt

    callback = keras.callbacks.LambdaCallback(on_epoch_end=leave_out)
    model.fit(*data, verbose=0, callbacks=[callback])
    assert model.left_out == []
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data, epochs=2, verbose=0, callbacks=[callback])
    assert model.left_out == []
    before = ops.convert_to_numpy(model.head("width").kernel)
    model.fit(*data, verbose=0)
    assert (ops.convert_to_numpy(model.head("width").kernel) != before).any()


def test_the_user_s_callbacks_stay_the_user_s():
    model, callback = compiled(), keras.callbacks.LambdaCallback()
    of_keras = keras.callbacks.CallbackList([callback], add_history=True, model=model)
    for given in ([callback], of_keras):
        before = list(getattr(given, "callbacks", given))
        for _ in range(2):
            model.fit(*batch(), callbacks=given, verbose=0)
        assert list(getattr(given, "callbacks", given)) == before


@pytest.mark.one_backend
def test_batches_without_targets_are_no_targets():
    x, y = batch()
    check_targets(compiled(), Batches(x))
    check_targets(compiled(), Batches({"image": x}))
    with pytest.raises(ValueError, match="`y` must be a dict"):
        check_targets(compiled(), Batches((x, list(y.values()))))


def test_one_loss_for_all_takes_weights_by_output():
    model = compiled(loss="mse", loss_weights={"height": 3.0})
    found = model.evaluate(*batch(), return_dict=True, verbose=0)
    np.testing.assert_allclose(
        found["loss"], found["width_loss"] + 3 * found["height_loss"], rtol=1e-5
    )


def test_a_loader_of_pytorch_is_no_order_of_ours():
    torch = pytest.importorskip("torch")
    if keras.backend.backend() != "torch":
        pytest.skip("dicts from a DataLoader are read on PyTorch alone")
    x, y = batch(8)
    rows = [(x[i], {task: y[task][i] for task in y}) for i in range(8)]
    compiled().fit(torch.utils.data.DataLoader(rows, batch_size=4, shuffle=True), verbose=0)


@pytest.mark.parametrize("sharing", [CrossStitched(), Branched.hard_sharing(), Modulated()])
def test_one_task_is_a_plain_network(sharing):
    model = model_of(sharing)
    x, _ = batch()
    alone = model.for_task("height")
    assert type(alone) is type(keras.Model(model.inputs, model.outputs))
    np.testing.assert_allclose(
        alone.predict_on_batch(x), model.predict_on_batch(x)["height"], atol=1e-6
    )
    with pytest.raises(ValueError, match="`task` must be one of"):
        model.for_task("depth")


@pytest.mark.one_backend
def test_parts_say_what_they_are():
    assert repr(tower()).endswith("stages ['one', 'two']>")
    assert repr(Branched.split("two")) == "Branched(tree=None, split_at='two')"


def test_a_mask_goes_through_a_unit():
    words = keras.Input((5,), dtype="int32")
    embeddings = [layers.Embedding(7, 4, mask_zero=True)(words) for _ in range(2)]
    unit = keras_mtl.layers.CrossStitch(alpha=(1.0, 0.0))
    ends = [layers.LSTM(3), layers.LSTM(3)]
    stitched = keras.Model(words, [end(x) for end, x in zip(ends, unit(embeddings), strict=True)])
    plain = keras.Model(words, [end(x) for end, x in zip(ends, embeddings, strict=True)])
    x = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    for ours, theirs in zip(
        stitched.predict(x, verbose=0), plain.predict(x, verbose=0), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.towers import LeNet, Tower
from keras_mtl.towers.lenet import MINIMUM_SIZE, STAGES


def reference(image, weights):
    """The same network in NumPy loops, for one image."""
    x = image / 255.0
    for kernel, bias in (weights[:2], weights[2:4]):
        height, width = x.shape[0] - 4, x.shape[1] - 4
        maps = np.empty((height, width, kernel.shape[-1]))
        for row in range(height):
            for column in range(width):
                patch = x[row : row + 5, column : column + 5]
                maps[row, column] = np.tensordot(patch, kernel, 3) + bias
        maps = maps[: height // 2 * 2, : width // 2 * 2]
        blocks = maps.reshape(height // 2, 2, width // 2, 2, -1)
        # Pool before ReLU, as Sener & Koltun: the order makes no difference.
        x = np.maximum(blocks.max((1, 3)), 0)
    features = np.maximum(x.reshape(-1) @ weights[4] + weights[5], 0)
    logits = features @ weights[6] + weights[7]
    return np.exp(logits) / np.exp(logits).sum()


def test_equals_the_network_in_numpy(rng):
    shape = (23, 20, 2)  # an odd map at pool1, and one at pool2
    net = LeNet(input_shape=shape, seed=0)
    weights = [rng.normal(0, 0.2, weight.shape).astype("float32") for weight in net.weights]
    net.set_weights(weights)
    image = rng.uniform(0, 255, shape).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(net(image[None]))[0], reference(image, weights), atol=1e-5
    )


def test_size_with_the_published_layers():
    assert LeNet().count_params() == 21_840
    assert LeNet().output_shape == (None, 10)
    features = LeNet(include_top=False, input_shape=(36, 36, 1))
    assert features.output_shape == (None, 50)
    assert features.count_params() == 260 + 5_020 + (6 * 6 * 20 + 1) * 50


def test_stages_cut_it():
    assert Tower(LeNet(include_top=False), STAGES).stages == STAGES
    assert Tower(LeNet(), STAGES).stages == (*STAGES, "fc4")


def test_the_seed_decides_the_weights():
    first, same, other = (LeNet(seed=seed).get_weights() for seed in (3, 3, 4))
    for weights, twins, others in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(weights, twins)
        assert weights.ndim == 1 or np.abs(weights - others).max() > 0
    # No two layers draw the same numbers, and no layer those of the next seed's neighbour.
    heads = [weights.ravel()[0] / weights.std() for weights in (*first, *other) if weights.any()]
    assert len(np.unique(np.round(heads, 5))) == 8


def test_builds_on_a_tensor_and_reads_weights(tmp_path):
    image = keras.Input((28, 28, 1))
    net = LeNet(input_tensor=keras.layers.Rescaling(2.0)(image), classes=4, name="a")
    net.save_weights(tmp_path / "net.weights.h5")
    twin = LeNet(
        weights=tmp_path / "net.weights.h5",
        input_tensor=keras.layers.Rescaling(2.0)(image),
        classes=4,
    )
    for ours, theirs in zip(net.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert net.inputs[0] is image and net.output_shape == (None, 4)


def test_smallest_input():
    assert LeNet(input_shape=(MINIMUM_SIZE, MINIMUM_SIZE, 1)).output_shape == (None, 10)
    with pytest.raises(ValueError, match="at least 16 pixels.*Received: .*\\(15, 28, 1\\)"):
        LeNet(input_shape=(15, 28, 1))


@pytest.mark.parametrize("shape", [28, (28, 28), ("28", 28, 1), (None, 28, 1), (28, 28, None)])
def test_refuses_unknown_sizes(shape):
    with pytest.raises(ValueError, match="known sizes"):
        LeNet(input_shape=shape)

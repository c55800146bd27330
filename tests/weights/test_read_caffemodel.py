"""Weights that Caffe has saved, against files written byte by byte and against OpenCV's reader."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from weights.caffemodel_files import (
    layer,
    message,
    number,
    shape,
    values,
    varint,
    write_caffemodel,
)

from keras_mtl.weights import read_caffemodel

pytestmark = pytest.mark.one_backend

VERSIONS = ("V2", "V1", "legacy", "V0")
few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def layers(rng):
    shapes = {"conv1": [(4, 3, 2, 2), (4,)], "relu1": [], "fc/2": [(5, 16), (5,)], "α": [(1,)]}
    return {
        name: [rng.normal(size=shape).astype("float32") for shape in shapes[name]]
        for name in shapes
    }


def read_bytes(tmp_path, content):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(content)
    return read_caffemodel(path)


def in_layer(*blobs, before=b"", after=b""):
    return message(
        100, before + message(1, b"fc6") + b"".join(message(7, b) for b in blobs) + after
    )


def assert_same_bits(found, expected):
    assert list(found) == list(expected)
    for name in expected:
        assert len(found[name]) == len(expected[name])
        for one, other in zip(found[name], expected[name], strict=True):
            assert one.dtype == "float32" and one.shape == other.shape and one.flags.writeable
            np.testing.assert_array_equal(one.view("uint32"), other.view("uint32"))


def stored(layers, version):
    """What a file has of the layers: those with blobs, in old files with four axes."""
    four = version in ("legacy", "V0")
    return {
        name: [blob.reshape((1, 1, 1, 1, *blob.shape)[-4:]) if four else blob for blob in blobs]
        for name, blobs in layers.items()
        if blobs
    }


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_arrays_come_back_to_the_bit(layers, tmp_path, version, packed, double):
    path = tmp_path / "net.caffemodel"
    write_caffemodel(path, layers, version, packed, double)
    assert_same_bits(read_caffemodel(path), stored(layers, version))
    assert_same_bits(read_caffemodel(str(path)), stored(layers, version))


@pytest.mark.parametrize("packed", [True, False])
def test_bits_that_arithmetic_would_change(tmp_path, packed):
    """Quiet and signalling NaN with payloads, denormals, both zeros and infinities."""
    bits = [0x7FC12345, 0x7F800001, 0xFFABCDEF, 1, 0x807FFFFF, 0, 1 << 31, 0x7F800000, 0xFF800000]
    weights = {"fc": [np.array(bits, "uint32").view("float32")]}
    write_caffemodel(tmp_path / "net", weights, packed=packed)
    assert_same_bits(read_caffemodel(tmp_path / "net"), weights)


def test_doubles_are_rounded(tmp_path, rng):
    array = np.concatenate([rng.normal(size=50), [1e300, -1e300, 1e-300, np.nan]])
    write_caffemodel(tmp_path / "net", {"fc": [array]}, double=True)
    with np.errstate(over="ignore"):
        expected = array.astype("float32")
    np.testing.assert_array_equal(read_caffemodel(tmp_path / "net")["fc"][0], expected)


def test_generations_may_mix_and_keep_their_order(layers, tmp_path):
    names = [*layers, "one more"]
    content = b"".join(
        layer(name, [np.full(2, place, "float32")], version)
        for place, (name, version) in enumerate(zip(names, (*VERSIONS, "V2"), strict=True))
    )
    found = read_bytes(tmp_path, content)
    assert list(found) == names
    assert [found[name][0].ravel()[0] for name in names] == [0, 1, 2, 3, 4]


def test_unknown_fields_are_skipped(tmp_path, rng):
    """Of every wire type and with tags of several bytes, in each message."""
    array = rng.normal(size=(2, 3)).astype("float32")
    unknown = number(900, 2**64 - 1) + message(901, b"\xff" * 9)
    unknown += varint(902 << 3 | 1) + b"\xff" * 8 + varint(903 << 3 | 5) + b"\xff" * 4
    # Known numbers with types that are not theirs, as Protocol Buffers skips them too.
    unknown += varint(7 << 3 | 5) + b"\xff" * 4 + varint(5 << 3 | 1) + b"\xff" * 8 + number(8, 3)
    gradients = message(6, b"\xff" * 24) + message(9, b"\xff" * 48)
    sides = message(7, unknown + message(1, b"\2\3") + unknown)
    content = unknown + sides + gradients + values(array) + unknown
    content = unknown + in_layer(content, before=unknown, after=unknown) + unknown
    assert_same_bits(read_bytes(tmp_path, content), {"fc6": [array]})


def test_pieces_of_an_array_are_joined(tmp_path):
    """Packed and unpacked may alternate, a run may be longer than what is read at once."""
    array = np.arange(40_000, dtype="float32")
    pieces = [values(array[:3], packed=False), values(array[3:9]), number(12, 1)]
    pieces += [values(array[9:39_000], packed=False), values(array[39_000:])]
    long_tag = bytes([5 << 3 | 5 | 128, 0])  # A tag of two bytes where one would do.
    pieces += [long_tag + b"\0\0\x80\x3f" + long_tag + b"\0\0\0\x40"]
    content = in_layer(b"".join(pieces) + shape([2, 20_001]))
    expected = np.concatenate([array, np.array([1, 2], "float32")]).reshape(2, 20_001)
    assert_same_bits(read_bytes(tmp_path, content), {"fc6": [expected]})


def test_shapes_of_other_kinds(tmp_path):
    """A scalar without a shape, an empty blob, and missing sides, which are 0 as in Caffe."""
    one, none = np.ones(1, "float32"), np.zeros(0, "float32")
    blobs = [values(one), shape([0, 3]), number(1, 4), number(2, 1) + shape([7])]
    found = read_bytes(tmp_path, in_layer(*blobs))
    expected = [one.reshape(()), none.reshape(0, 3)] + [none.reshape(4, 0, 0, 0)]
    expected += [none.reshape(0, 1, 0, 0)]
    for one, other in zip(found["fc6"], expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_two_layers_of_one_name(layers, tmp_path):
    array = np.ones(2, "float32")
    both = layer("fc", [array]) + layer("fc", [array], "V1")
    with pytest.raises(ValueError, match="one layer 'fc' with weights"):
        read_bytes(tmp_path, both)
    one = layer("fc", []) + layer("fc", [array]) + layer("fc", [], "V1")
    assert_same_bits(read_bytes(tmp_path, one), {"fc": [array]})


THREE = values(np.ones(3, "float32"))
BROKEN = {
    "a length that leaves its message": (
        in_layer(shape([3]) + varint(5 << 3 | 2) + varint(13) + b"\0" * 12) + message(1, b"net"),
        r"13 bytes at byte \d+ in layer 'fc6'. Received: 12 until the message ends",
    ),
    "a value that leaves its message": (
        in_layer(shape([1]) + bytes([5 << 3 | 5, 0, 0, 0])) + message(1, b"net"),
        "4 bytes at byte 16 in layer 'fc6'. Received: 3 until the message ends",
    ),
    "a long varint": (
        varint(9 << 3) + b"\x80" * 10 + b"\1",
        "up to 64 bits in up to 10 bytes at byte 1. Received: a longer one",
    ),
    "a large varint": (varint(9 << 3) + b"\xff" * 9 + b"\2", "up to 64 bits"),
    "field 0": (in_layer(b"\0\0"), "number of 1 or more at byte 10 in layer 'fc6'. Received: 0"),
    "a group": (in_layer(after=bytes([9 << 3 | 3])), "wire type 0, 1, 2 or 5 .* Received: type 3"),
    "the end of a group": (bytes([9 << 3 | 4]), "wire type 0, 1, 2 or 5 at byte 0.*type 4"),
    "too few values": (
        in_layer(shape([2, 2]) + THREE),
        r"4 values, as its shape \(2, 2\) says at byte 10 in layer 'fc6'. Received: 3 values",
    ),
    "too many values": (in_layer(shape([2]) + THREE), r"2 values.* Received: 3 values"),
    "no values": (in_layer(shape([1])), "1 values.* Received: 0 values"),
    "a negative size": (in_layer(shape([-1, -3]) + THREE), r"Received: \[-1, -3\]"),
    "a negative side": (in_layer(number(1, -3) + THREE), r"Received: \[-3, 0, 0, 0\]"),
    "a huge size": (in_layer(shape([2**62]) + THREE), rf"Received: \[{2**62}\]"),
    "huge sizes and a zero": (in_layer(shape([0, 2**40])), rf"\[0, {2**40}\]"),
    "many axes": (in_layer(shape([1] * 33) + THREE), "up to 32 axes"),
    "a quarter of a float": (
        in_layer(shape([3]) + message(5, b"\0" * 13)),
        "a multiple of 4 bytes at byte 17 in layer 'fc6'. Received: 13",
    ),
    "half a double": (in_layer(message(8, b"\0" * 12)), "a multiple of 8 bytes .* Received: 12"),
    "many blobs": (in_layer(*[shape([0])] * 65), "up to 64 blobs at byte .* in layer 'fc6'"),
    "a long name": (message(100, message(1, b"x" * 999) + b"\0"), "in layer 'x{39}…'. Received"),
    "a name in Latin-1": (
        message(100, message(1, b"caf\xe9")),
        r"name in UTF-8 at byte 5. Received: b'caf\\xe9'",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_broken_is_named(tmp_path, fault):
    content, expected = BROKEN[fault]
    with pytest.raises(ValueError, match=rf"`path`.*net\.caffemodel must have .*{expected}"):
        read_bytes(tmp_path, content)


EMPTY = {
    "": "is empty and holds no weights",
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 243862414\n": "git-lfs",
    "<!DOCTYPE html>\n<html><body>Not found</body></html>": "web page",
    'name: "CaffeNet"\nlayer {\n  name: "data"\n}\n': "a .prototxt describes",
    "  layers { bottom: 'data' }": "a .prototxt describes",
    "\x89HDF\r\n\x1a\n\0\0\0\0": "HDF5",
}


@pytest.mark.parametrize("content", EMPTY)
def test_what_the_file_may_be_instead(tmp_path, content):
    with pytest.raises(ValueError, match=f"`path` must be a .*{EMPTY[content]}"):
        read_bytes(tmp_path, content.encode("latin-1"))


def test_files_without_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        read_caffemodel(tmp_path / "missing.caffemodel")
    for content in (layer("data", []), message(1, b"net\0")):
        with pytest.raises(ValueError, match="holds no weights.$"):
            read_bytes(tmp_path, content)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_cut_file_is_refused_unless_cut_between_layers(layers, tmp_path, version, packed):
    whole = tmp_path / "whole.caffemodel"
    layers = {name: [blob.ravel()[:3] for blob in blobs] for name, blobs in layers.items()}
    write_caffemodel(whole, layers, version, packed)
    content, left = whole.read_bytes(), stored(layers, version)
    ends, before = {5: {}}, {}
    for name in layers:
        end = max(ends) + len(layer(name, layers[name], version, packed))
        before = {**before, name: left[name]} if name in left else before
        ends[end] = before
    assert max(ends) == len(content)
    for size in range(1, len(content)):
        if ends.get(size):
            assert_same_bits(read_bytes(tmp_path, content[:size]), ends[size])
        else:
            expected = "holds no weights" if size in ends else "the file ends, which is cut"
            with pytest.raises(ValueError, match=expected):
                read_bytes(tmp_path, content[:size])


def assert_refused_or_bounded(tmp_path, content):
    try:
        found = read_bytes(tmp_path, bytes(content))
    except ValueError as error:
        assert "`path` must be" in str(error)
    else:
        assert found and sum(b.nbytes for blobs in found.values() for b in blobs) <= len(content)


@few
@given(st.data(), st.sampled_from(VERSIONS), st.booleans())
def test_damaged_files(tmp_path, data, version, packed):
    array = np.arange(6, dtype="float32")
    content = b"".join(layer(name, [array, array[:2]], version, packed) for name in "ab")
    place = st.integers(0, 8 * len(content) - 1)
    content = bytearray(content)
    for bit in data.draw(st.lists(place, min_size=1, max_size=4)):
        content[bit // 8] ^= 1 << bit % 8
    assert_refused_or_bounded(tmp_path, content)


# Bytes that often make a start, then any: alone they would hardly pass the first field.
TAGS = [message(100, b"x" * size)[:-size] for size in (3, 20)] + [b"\x12\x14", b"\x3a\x08", b"\x2d"]


@few
@given(st.lists(st.sampled_from(TAGS) | st.binary(max_size=9), min_size=1, max_size=12))
def test_any_bytes(tmp_path, pieces):
    assert_refused_or_bounded(tmp_path, b"".join(pieces))


def peak_of_reading(path):
    tracemalloc.start()
    try:
        start = time.perf_counter()
        found = read_caffemodel(path)
        return found, time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    except ValueError:
        return None, 0, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        in_layer(shape([2**31, 2**31]) + THREE),
        in_layer(shape([2**30]) + varint(5 << 3 | 2) + varint(2**62)),
        in_layer(shape([2**30]) + THREE),
        varint(100 << 3 | 2) + varint(2**62),
        message(100, varint(1 << 3 | 2) + varint(2**63)),
    ],
)
def test_no_memory_for_sizes_that_are_only_declared(tmp_path, content):
    path = tmp_path / "net"
    path.write_bytes(content)
    found, _, peak = peak_of_reading(path)
    assert found is None and peak < 100_000


@pytest.mark.parametrize("packed", [True, False])
def test_large_arrays_take_little_time_and_their_own_memory(tmp_path, packed):
    """Values of their own by the million would cost seconds and 32 bytes each as Python floats."""
    array = np.arange(1_000_000, dtype="float32")
    write_caffemodel(tmp_path / "net", {"fc6": [array]}, packed=packed)
    found, seconds, peak = peak_of_reading(tmp_path / "net")
    assert_same_bits(found, {"fc6": [array]})
    assert peak < 1.2 * array.nbytes and seconds < 1


def test_values_and_other_fields_may_alternate(tmp_path):
    """Looking for the end of each run of values must not cost more than the run is long."""
    array = np.arange(20_000, dtype="float32")
    tag, other = bytes([5 << 3 | 5]), bytes([6 << 3 | 5, 0, 0, 0, 0])
    content = b"".join(tag + value.tobytes() + other for value in array)
    start = time.perf_counter()
    found = read_bytes(tmp_path, in_layer(shape([20_000]) + content))
    assert_same_bits(found, {"fc6": [array]})
    assert time.perf_counter() - start < 2


def test_the_file_is_let_go(tmp_path, layers):
    """What was read stays when the file changes."""
    path = tmp_path / "net"
    write_caffemodel(path, layers)
    found = read_caffemodel(path)
    with open(path, "r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert_same_bits(found, stored(layers, "V2"))


PROTOTXT = """
name: "net"
input: "data"
input_shape { dim: 1 dim: 4 dim: 6 dim: 6 }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 group: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 5 kernel_size: 2 } }
layer { name: "fc3" type: "InnerProduct" bottom: "conv2" top: "fc3"
  inner_product_param { num_output: 7 } }
"""


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("version", VERSIONS[:-1])  # Of V0, OpenCV drops the blobs.
def test_agrees_with_opencv(tmp_path, rng, version, packed):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip("OpenCV 5 does not read Caffe's files")
    shapes = {"conv1": [(6, 2, 3, 3), (6,)], "relu1": [], "conv2": [(5, 6, 2, 2), (5,)]}
    shapes["fc3"] = [(7, 45), (7,)]
    layers = {
        name: [rng.normal(size=shape).astype("float32") for shape in shapes[name]]
        for name in shapes
    }
    write_caffemodel(tmp_path / "net.caffemodel", layers, version, packed)
    (tmp_path / "net.prototxt").write_text(PROTOTXT)
    net = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"))
    found = read_caffemodel(tmp_path / "net.caffemodel")
    assert list(found) == ["conv1", "conv2", "fc3"]
    for name, blobs in found.items():
        for place, array in enumerate(blobs):
            expected = net.getParam(name, place)
            assert array.size == expected.size
            np.testing.assert_array_equal(
                array.ravel().view("uint32"), expected.ravel().view("uint32")
            )

"""The files of safetensors: what is read, in which type, and what is refused."""

import json
import struct
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_mtl.weights import read_safetensors

pytestmark = pytest.mark.one_backend


@pytest.fixture
def arrays(rng):
    return {f"x{rank}": rng.normal(size=(2, 3, 4)[:rank]).astype("float32") for rank in (1, 2, 3)}


@pytest.fixture
def path(tmp_path, arrays):
    save_file({**arrays, "count": np.arange(4)}, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def test_floats_by_name(path, arrays):
    found = read_safetensors(str(path))
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == "float32"
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    "dtype, size", [("F64", "<f8"), ("F32", "<f4"), ("F16", "<f2"), ("BF16", None)]
)
def test_all_floats_become_float32(tmp_path, dtype, size):
    """The file byte by byte: the length of a header in JSON, the header, the numbers."""
    values = np.float32([[1.5, -2.0], [0.25, 3.0]])
    content = values.astype(size).tobytes() if size else bytes.fromhex("c03f00c0803e4040")
    header = {"x": {"dtype": dtype, "shape": [2, 2], "data_offsets": [0, len(content)]}}
    header = json.dumps(header).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + content)
    found = read_safetensors(path)["x"]
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, values)


def test_what_stands_before_all_names_is_taken_off(tmp_path, arrays):
    path = tmp_path / "net.safetensors"
    save_file({f"_orig_mod.model.{name}": array for name, array in arrays.items()}, path)
    assert set(read_safetensors(path)) == set(arrays)
    save_file({**{f"model.{name}": array for name, array in arrays.items()}, **arrays}, path)
    assert set(read_safetensors(path)) == {*arrays, *(f"model.{name}" for name in arrays)}


def test_every_cut_file_is_refused(path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="whole file .*net.safetensors"):
            read_safetensors(path)


def test_shapes_that_numpy_cannot_have_are_refused(tmp_path):
    for shape, content in (([1] * 70, b"1234"), ([0, 2**62, 2**62], b"")):
        header = {"x": {"dtype": "F32", "shape": shape, "data_offsets": [0, len(content)]}}
        header = json.dumps(header).encode()
        path = tmp_path / "net.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + content)
        with pytest.raises(ValueError, match="whole file .*net.safetensors"):
            read_safetensors(path)


def test_a_file_without_floats_is_refused(tmp_path):
    for arrays, message in (({"x" * 999: np.arange(4)}, r"\['x{39}…'\].*I64"), ({}, r"\[\]")):
        save_file(arrays, tmp_path / "net.safetensors")
        with pytest.raises(ValueError, match=f"arrays of floats.*net.safetensors.*{message}"):
            read_safetensors(tmp_path / "net.safetensors")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_safetensors(tmp_path / "absent.safetensors")


def test_without_the_package(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"net.safetensors.*keras-mtl\[weights\]"):
        read_safetensors(path)

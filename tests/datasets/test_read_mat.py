"""read_mat: what SciPy reads, and a ValueError where a file is damaged."""

import numpy as np
import pytest
import scipy.io

from keras_mtl.datasets import _read_mat
from keras_mtl.datasets._read_mat import read_mat

pytestmark = pytest.mark.one_backend

TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


@pytest.fixture
def variables(rng):
    arrays = {f"of_{dtype}": rng.integers(0, 99, (3, 5)).astype(dtype) for dtype in TYPES}
    return {
        **arrays,
        "small": np.uint8([[1, 2]]),
        "none": np.zeros((0, 3)),
        "deep": rng.normal(size=(2, 3, 4)),
        "flags": np.array([[True, False]]),
    }


OTHERS = {"text": "words", "cell": np.array([["a", 1]], object), "complex": np.array([[1 + 2j]])}


@pytest.mark.parametrize("packed", [True, False])
def test_numbers_are_those_that_scipy_reads(packed, variables, tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {**variables, **OTHERS}, do_compression=packed)
    found, expected = read_mat(path), scipy.io.loadmat(path)
    assert list(found) == [*variables, *OTHERS]
    for name in variables:
        np.testing.assert_array_equal(found[name], expected[name])
    assert all(found[name] is None for name in OTHERS)


@pytest.mark.parametrize("packed", [True, False])
def test_a_struct_is_a_dict_of_its_fields(packed, variables, tmp_path):
    path = tmp_path / "a.mat"
    struct = {**variables, "text": "words", "deeper": {"x": 1}}
    several = np.zeros((2, 1), [("x", object)])
    scipy.io.savemat(path, {"one": struct, "several": several}, do_compression=packed)
    found = read_mat(path)
    assert found["several"] is None and list(found["one"]) == list(struct)
    for name, values in variables.items():
        np.testing.assert_array_equal(found["one"][name], values)
    assert found["one"]["text"] is None and found["one"]["deeper"] is None


def test_the_other_byte_order(tmp_path):
    """An array as the format's description has it: tags, and elements at every eighth byte."""
    path = tmp_path / "a.mat"
    element = b""
    for kind, numbers in ((6, [12, 0]), (5, [1, 2]), (None, "x"), (5, [7, -8])):
        if kind is None:
            element += b"\0\1\0\1x\0\0\0"  # A small one, the name.
        else:
            element += np.array([kind, 8, *numbers], ">i4").tobytes()
    content = b"a".ljust(124) + b"\1\0MI" + np.array([14, len(element)], ">u4").tobytes()
    path.write_bytes(content + element)
    np.testing.assert_array_equal(read_mat(path)["x"], [[7, -8]])
    np.testing.assert_array_equal(scipy.io.loadmat(path)["x"], [[7, -8]])


@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files(packed, variables, tmp_path, rng):
    """SciPy's reader ends the process for some of these."""
    path = tmp_path / "a.mat"
    struct = {"labels": variables["small"], "text": "words"}
    scipy.io.savemat(path, {"a": variables["of_u1"], "s": struct}, do_compression=packed)
    content, refused = path.read_bytes(), 0
    cuts = [content[:length] for length in range(0, len(content) - 1, 7)]
    for damaged in [*cuts, *(mutated(content, rng) for _ in range(200))]:
        path.write_bytes(damaged)
        try:
            found = read_mat(path)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(f"{path} must be a whole MATLAB file: ")
        else:
            assert all(isinstance(each, np.ndarray | dict | None) for each in found.values())
    assert refused > len(cuts) * 0.9


def mutated(content, rng):
    """A copy with one to four other bytes, most of them behind the text of the header."""
    content = bytearray(content)
    for place in rng.integers(120, len(content), rng.integers(1, 5)):
        content[place] = rng.integers(256) if rng.random() < 0.7 else rng.choice([0, 255])
    return bytes(content)


def test_what_unpacks_to_very_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"x": np.zeros((100, 100))}, do_compression=True)
    monkeypatch.setattr(_read_mat, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        read_mat(path)


def test_what_is_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_mat(tmp_path / "absent.mat")
    scipy.io.savemat(tmp_path / "old.mat", {"x": 1}, format="4")
    with pytest.raises(ValueError, match="old.mat must be a whole MATLAB file: .* version 5"):
        read_mat(tmp_path / "old.mat")

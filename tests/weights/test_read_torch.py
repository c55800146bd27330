"""PyTorch's state dicts: what is read, in which type, and what is refused."""

import argparse
import pathlib
import sys
import zipfile

import numpy as np
import pytest
import torch

from keras_mtl.weights import read_torch

pytestmark = pytest.mark.one_backend


@pytest.fixture
def module():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4))


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


def test_floats_by_name(tmp_path, module):
    arrays = read_torch(saved(tmp_path / "net.pth", module.state_dict()))
    assert set(arrays) == {
        *("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var")
    }
    for name, array in arrays.items():
        assert array.dtype == "float32"
        np.testing.assert_array_equal(array, module.state_dict()[name].numpy())


@pytest.mark.parametrize(
    "form", ["state_dict", "lightning", "model", "nested", "parallel", "parameters", "old"]
)
def test_forms_of_checkpoints(tmp_path, module, form):
    expected = read_torch(saved(tmp_path / "net.pth", module.state_dict()))
    content = {
        "state_dict": {"epoch": 3, "state_dict": module.state_dict()},
        "lightning": {
            "epoch": 3,
            "hyper_parameters": {"model": "resnet"},
            "state_dict": {f"model.{name}": x for name, x in module.state_dict().items()},
        },
        "nested": {"model": {"model_state_dict": module.state_dict(), "step": 3}},
        "model": {"model": module.state_dict(), "optimizer": {"lr": 0.1}},
        "parallel": {f"module.{name}": x for name, x in module.state_dict().items()},
        "parameters": module.state_dict(keep_vars=True),
        "old": module.state_dict(),
    }[form]
    path = saved(tmp_path / "form.pt", content, _use_new_zipfile_serialization=form != "old")
    found = read_torch(str(path))
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("key", ["model_state_dict", "model_state", "net"])
def test_where_scripts_keep_the_state_dict(tmp_path, module, key):
    content = {"epoch": 3, key: module.state_dict(), "optimizer_state_dict": {"state": {}}}
    assert "1.running_var" in read_torch(saved(tmp_path / "net.ckpt", content))


def test_a_dict_that_holds_itself(tmp_path):
    content = {"epoch": 3}
    content["model"] = content
    with pytest.raises(ValueError, match="dict from names to tensors"):
        read_torch(saved(tmp_path / "net.pth", content, _use_new_zipfile_serialization=False))


@pytest.mark.parametrize(
    "prefix",
    [
        *("module.", "model.", "net.", "backbone.", "_orig_mod."),
        *("module._orig_mod.", "_orig_mod.module.", "model.backbone.", "module.module."),
    ],
)
def test_what_stands_before_all_names_is_taken_off(tmp_path, module, prefix):
    state = {f"{prefix}{name}": x for name, x in module.state_dict().items()}
    found = read_torch(saved(tmp_path / "net.pth", state))
    assert list(found) == list(read_torch(saved(tmp_path / "net.pth", module.state_dict())))
    # Beside another part it is a name.
    found = read_torch(saved(tmp_path / "net.pth", {**state, "head.bias": torch.ones(2)}))
    assert f"{prefix}0.weight" in found and "head.bias" in found


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(tmp_path, dtype):
    values = torch.tensor([[1.5, -2.0], [0.25, 3.0]], dtype=dtype)
    content = {"x": values.T, "scale": values[0, 0], "count": torch.tensor(3)}
    found = read_torch(saved(tmp_path / "net.pth", content))
    assert found.pop("scale").shape == () and list(found) == ["x"]
    assert found["x"].dtype == "float32" and found["x"].flags.c_contiguous
    np.testing.assert_array_equal(found["x"], [[1.5, 0.25], [-2.0, 3.0]])


@pytest.mark.parametrize("content", [[torch.ones(2)], {"epoch": 3}, {}, torch.ones(3), {1: 2}])
def test_no_dict_of_tensors_is_refused(tmp_path, content):
    path = saved(tmp_path / "net.pth", content)
    with pytest.raises(ValueError, match="dict from names to tensors.*net.pth"):
        read_torch(path)


@pytest.mark.parametrize("new", [True, False])
def test_every_cut_file_is_refused(tmp_path, module, new):
    path = saved(tmp_path / "net.pth", module.state_dict(), _use_new_zipfile_serialization=new)
    content = path.read_bytes()
    for length in range(0, len(content) - 1, max(1, len(content) // 40)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="whole file .*net.pth") as error:
            read_torch(path)
        assert error.value.__cause__ is not None


@pytest.mark.parametrize(
    "values",
    [
        torch.ones(1).expand(400_000, 400_000),
        torch.ones(12).as_strided((9, 4), (1, 1)),
        torch.eye(3).to_sparse(),
        torch.ones(3, device="meta"),
    ],
)
def test_tensors_without_memory_of_their_own_are_refused(tmp_path, values):
    path = saved(tmp_path / "net.pth", {"bias": torch.ones(2), "weight": values})
    with pytest.raises(ValueError, match="dense tensors.*net.pth"):
        read_torch(path)


def test_compressed_files_are_refused(tmp_path):
    """A file of a few bytes may unpack to any number."""
    whole = saved(tmp_path / "whole.pth", {"x": torch.zeros(10_000)})
    with (
        zipfile.ZipFile(whole) as ours,
        zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as theirs,
    ):
        for name in ours.namelist():
            theirs.writestr(name, ours.read(name))
    with pytest.raises(ValueError, match="whole file .*net.pth") as error:
        read_torch(tmp_path / "net.pth")
    assert "bytes unpacked" in str(error.value.__cause__)


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


@pytest.mark.parametrize("new", [True, False])
def test_no_code_is_executed(tmp_path, module, new):
    for content in (Touch(tmp_path / "touched"), module):
        path = saved(tmp_path / "net.pth", content, _use_new_zipfile_serialization=new)
        with pytest.raises(ValueError, match="nothing but dense tensors.*net.pth") as error:
            read_torch(path)
        assert "weights_only" not in str(error.value)  # PyTorch advises to execute it.
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(
    "other, name",
    [
        (argparse.Namespace(lr=0.1), "argparse.Namespace"),
        (pathlib.PurePosixPath("data"), "pathlib.PurePosixPath"),
        (np.float64(0.5), r"numpy.*scalar"),
    ],
)
def test_what_is_not_read_beside_the_weights_is_named(tmp_path, module, other, name, new):
    content = {"state_dict": module.state_dict(), "args": other}
    path = saved(tmp_path / "net.pth", content, _use_new_zipfile_serialization=new)
    with pytest.raises(ValueError, match=rf"net.pth'. It holds an object of {name}, .*state_dict"):
        read_torch(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.pth"):
        read_torch(tmp_path / "absent.pth")


def test_without_pytorch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"net.pth.*keras-mtl\[torch\]"):
        read_torch(tmp_path / "net.pth")

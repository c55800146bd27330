"""What Keras' exporters leave open, and how exported networks run where they are meant to."""

import dataclasses
import importlib
import warnings
from collections.abc import Callable

import keras
import numpy as np


def open_sizes(model):
    """What leaves open, of PyTorch's program, the sizes that the model leaves open."""
    automatic = importlib.import_module("torch").export.Dim.AUTO

    def of_input(x):
        return {axis: automatic for axis, size in enumerate(x.shape) if size is None}

    return {"dynamic_shapes": [(keras.tree.map_structure(of_input, model.input),)]}


def name_outputs(path, model):
    """Names the outputs of an ONNX file as the model does; PyTorch's exporter numbers them."""
    if not isinstance(model.output, dict):
        return
    onnx = importlib.import_module("onnx")
    written = onnx.load(path)
    outputs = written.graph.output
    if {x.name for x in outputs} == set(model.output):
        return
    for output, name in zip(outputs, sorted(model.output), strict=True):  # As Keras flattens them.
        written.graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
        output.name = name
    onnx.save(written, path)


def called(model, inputs):
    """What a model says of inputs, as arrays."""
    outputs = model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def outputs_of(form, path, model, inputs):
    """What an exported network says of inputs: a dict by name, or a list, of arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Such as that TensorFlow Lite will move elsewhere.
        outputs = form.read(importlib.import_module(form.module), str(path), model, inputs)
    return keras.tree.map_structure(np.asarray, outputs)


def _saved_model(tensorflow, path, model, inputs):
    loaded = tensorflow.saved_model.load(path)  # Kept: its weights live as long as it does.
    return loaded.serve(keras.tree.map_structure(tensorflow.constant, inputs))


def _onnx(onnxruntime, path, model, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, _in_order([x.name for x in session.get_inputs()], model, inputs))
    if not isinstance(model.output, dict):
        return found
    return dict(zip([x.name for x in session.get_outputs()], found, strict=True))


def _torch(torch, path, model, inputs):
    program = torch.export.load(path).module()
    with torch.no_grad():
        found = program(keras.tree.map_structure(torch.from_numpy, inputs))
    return keras.tree.map_structure(lambda x: x.cpu().numpy(), found)


def _litert(tensorflow, path, model, inputs):
    interpreter = tensorflow.lite.Interpreter(path)
    runner = interpreter.get_signature_runner()
    names = list(runner.get_input_details())
    return runner(**_in_order(names, model, inputs))


def _openvino(openvino, path, model, inputs):
    compiled = openvino.Core().compile_model(path, "CPU")
    found = compiled(keras.tree.flatten(inputs))
    return [found[output] for output in compiled.outputs]


def _keras(keras, path, model, inputs):
    return called(keras.models.load_model(path, compile=False), inputs)


def _in_order(names, model, inputs):
    """Inputs by the names of an exported network: the model's own, or in its order."""
    ours = {
        x.name: value for x, value in zip(model.inputs, keras.tree.flatten(inputs), strict=True)
    }
    if set(names) == set(ours):
        return ours
    return dict(zip(names, ours.values(), strict=False))


@dataclasses.dataclass(frozen=True)
class Format:
    """A form in which a network can be written.

    Attributes:
        name: what the option calls it.
        keras: what `keras.Model.export` calls it; `None` for Keras' own.
        suffix: of its file; empty if it is a folder.
        runtime: what reads it.
        module: its name; it is imported by that, for it is no backend here.
        read: function of that module, a path, the model and inputs that returns the outputs.
    """

    name: str
    keras: str | None
    suffix: str
    runtime: str
    module: str
    read: Callable

    @property
    def packages(self):
        """Modules that have to be installed, by the backends that can write it."""
        return PACKAGES[self.name]


PACKAGES = {
    "saved-model": {"tensorflow": (), "jax": ("tensorflow",)},
    "onnx": {"tensorflow": ("tf2onnx",), "torch": ("onnx", "onnxscript"), "jax": ("jax2onnx",)},
    "torch": {"torch": ()},
    "litert": {"tensorflow": (), "torch": ("litert_torch",)},
    "openvino": {"tensorflow": ("openvino",), "torch": ("openvino",)},
    "keras": {"tensorflow": (), "jax": (), "torch": ()},
}
FORMATS = {
    form.name: form
    for form in (
        Format("saved-model", "tf_saved_model", "", "TensorFlow", "tensorflow", _saved_model),
        Format("onnx", "onnx", ".onnx", "onnxruntime", "onnxruntime", _onnx),
        Format("torch", "torch", ".pt2", "PyTorch", "torch", _torch),
        Format("litert", "litert", ".tflite", "TensorFlow Lite", "tensorflow", _litert),
        Format("openvino", "openvino", ".xml", "OpenVINO", "openvino", _openvino),
        Format("keras", None, ".keras", "Keras", "keras", _keras),
    )
}

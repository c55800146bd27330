"""Runs exported networks where they are meant to run."""

import dataclasses
import importlib
import importlib.util

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What reads a form of network, imported by name: it is no backend here."""

    module: str
    package: str

    def installed(self):
        return importlib.util.find_spec(self.module) is not None

    def load(self):
        return importlib.import_module(self.module)


RUNTIMES = {
    "saved-model": Runtime("tensorflow", "TensorFlow"),
    "onnx": Runtime("onnxruntime", "onnxruntime"),
    "torch": Runtime("torch", "PyTorch"),
    "litert": Runtime("tensorflow", "TensorFlow Lite"),
    "openvino": Runtime("openvino", "OpenVINO"),
    "keras": Runtime("keras", "Keras"),
}


def outputs_of(format, path, model, inputs):
    """What an exported network says of inputs: a dict by name, or a list, of arrays."""
    outputs = READERS[format](RUNTIMES[format].load(), str(path), model, inputs)
    return keras.tree.map_structure(np.asarray, outputs)


def _saved_model(tensorflow, path, model, inputs):
    loaded = tensorflow.saved_model.load(path)  # Kept: its weights live as long as it does.
    return loaded.serve(keras.tree.map_structure(tensorflow.constant, inputs))


def _onnx(onnxruntime, path, model, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, _in_order([x.name for x in session.get_inputs()], model, inputs))
    names = [x.name for x in session.get_outputs()]
    # Some exporters name outputs by numbers.
    named = isinstance(model.output, dict) and set(names) == set(model.output)
    return dict(zip(names, found, strict=True)) if named else found


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
    found = keras.models.load_model(path, compile=False)(
        keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False
    )
    return keras.tree.map_structure(keras.ops.convert_to_numpy, found)


READERS = {
    "saved-model": _saved_model,
    "onnx": _onnx,
    "torch": _torch,
    "litert": _litert,
    "openvino": _openvino,
    "keras": _keras,
}


def _in_order(names, model, inputs):
    """Inputs by the names of an exported network: the model's own, or in its order."""
    ours = {
        x.name: value for x, value in zip(model.inputs, keras.tree.flatten(inputs), strict=True)
    }
    if set(names) == set(ours):
        return ours
    return dict(zip(names, ours.values(), strict=False))

"""What Keras' exporters leave open, and how exported networks run where they are meant to."""

import dataclasses
import importlib
import importlib.util
import warnings

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


def open_sizes(model):
    """What leaves open, of PyTorch's program, the sizes that the model leaves open."""
    automatic = RUNTIMES["torch"].load().export.Dim.AUTO

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


def outputs_of(format, path, model, inputs):
    """What an exported network says of inputs: a dict by name, or a list, of arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Such as that TensorFlow Lite will move elsewhere.
        outputs = READERS[format](RUNTIMES[format].load(), str(path), model, inputs)
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

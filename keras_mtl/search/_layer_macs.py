"""The multiply-accumulates of one call of one layer."""

import math

from keras import layers

# Layers whose weights may have several axes and yet only scale or are looked up.
FREE = (layers.Embedding, layers.LayerNormalization, layers.Normalization, layers.PReLU)
# Layers and `keras.ops` that multiply activations: free of weights, not of cost.
PRODUCTS = {
    *("Attention", "AdditiveAttention", "DotProductAttention"),
    *("Dot", "Einsum", "Inner", "Kron", "Matmul", "Outer", "Tensordot", "Vdot"),
    *("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv"),
}


def layer_macs(layer, **shapes):
    """Multiply-accumulates of one call; `shapes` are those of the call's tensors, by name.

    Raises:
        ValueError: the layer is not known and must multiply by its weights.
    """
    first, *others = shapes or [None]
    if hasattr(layer, "macs"):
        return layer.macs(shapes[first])
    for kinds, rule in RULES:
        if isinstance(layer, kinds):
            return rule(layer, shapes[first], **{name: shapes[name] for name in others})
    weights = [tuple(weight.shape) for weight in getattr(layer, "weights", ())]
    multiplies = any(len(shape) > 1 for shape in weights) and type(layer) not in FREE
    if multiplies or type(layer).__name__ in PRODUCTS:
        raise ValueError(
            "`model` must consist of layers whose multiply-accumulates are known or that return "
            "them from a method `macs(input_shape)`. "
            f"Received: {layer.name!r}, a {type(layer).__name__} with weights {weights}."
        )
    return 0


def _convolution(layer, shape, **_):
    # A kernel is (*window, channels of one group, filters): all of it at every output position.
    return math.prod(layer.kernel.shape) * _positions(layer, layer.compute_output_shape(shape))


def _transposed_convolution(layer, shape, **_):
    return math.prod(layer.kernel.shape) * _positions(layer, shape)


def _separable_convolution(layer, shape, **_):
    weights = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
    return weights * _positions(layer, layer.compute_output_shape(shape))


def _dense(layer, shape, **_):
    return math.prod(layer.kernel.shape) * math.prod(shape[:-1])


def _einsum_dense(layer, shape, **_):
    inputs, kernel = layer.equation.replace(" ", "").split("->")[0].split(",")
    if "..." in inputs:
        inputs = inputs.replace("...", "." * (len(shape) - len(inputs) + 3))
    positions = [size for index, size in zip(inputs, shape, strict=True) if index not in kernel]
    return math.prod(layer.kernel.shape) * math.prod(positions)


def _attention(layer, query, value, key=None, **_):
    key = key or value
    config = layer.get_config()
    heads, key_width = config["num_heads"], config["key_dim"]
    value_width = config["value_dim"] or key_width
    mixed = (*query[:-1], heads, value_width)
    projections = (
        _einsum_dense(layer.query_dense, query)
        + _einsum_dense(layer.key_dense, key)
        + _einsum_dense(layer.value_dense, value)
        + _einsum_dense(layer.output_dense, mixed)
        + bool(config.get("use_gate")) * math.prod(query) * heads * value_width
    )
    attended = math.prod(key[axis] for axis in layer.attention_axes)
    products = math.prod(query[:-1]) * attended * heads * (key_width + value_width)
    return projections + products


def _positions(layer, shape):
    """Number of positions of a map, over which a kernel is moved."""
    return math.prod(shape) // shape[-1 if layer.data_format == "channels_last" else 1]


RULES = (
    (
        (
            *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
            *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
        ),
        _convolution,
    ),
    (
        (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
        _transposed_convolution,
    ),
    ((layers.SeparableConv1D, layers.SeparableConv2D), _separable_convolution),
    (layers.Dense, _dense),
    (layers.EinsumDense, _einsum_dense),
    (layers.MultiHeadAttention, _attention),
)

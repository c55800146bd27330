"""Gradients that are pulled back as often as wanted, on PyTorch."""

from keras import tree


def vjp(function, primals):
    """The outputs of `function(primals)`, and what pulls cotangents of them back to `primals`."""
    import torch

    with torch.enable_grad():
        primals = [primal.detach().requires_grad_() for primal in primals]
        outputs = function(primals)

    def pullback(cotangents):
        pairs = zip(tree.flatten(outputs), tree.flatten(cotangents), strict=True)
        pairs = [pair for pair in pairs if pair[0].requires_grad]
        if not pairs:  # for which torch has no gradient
            return [torch.zeros_like(primal) for primal in primals]
        options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        connected, given = zip(*pairs, strict=True)
        return list(torch.autograd.grad(connected, primals, given, **options))

    return tree.map_structure(torch.detach, outputs), pullback

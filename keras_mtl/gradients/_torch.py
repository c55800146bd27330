"""Gradients that are pulled back as often as wanted, on PyTorch."""

from collections import Counter

from keras import tree


def vjp(function, primals):
    """As of `keras_mtl.gradients._jax`."""
    import torch

    with torch.enable_grad():
        primals = [primal.detach().requires_grad_() for primal in primals]
        outputs, others = function(primals)

    def pullback(cotangents):
        pairs = zip(outputs, cotangents, strict=True)
        # Torch has no gradient of an output that depends on nothing.
        pairs = [pair for pair in pairs if pair[1] is not None and pair[0].requires_grad]
        if not pairs:
            return [None] * len(primals)
        connected, given = zip(*pairs, strict=True)
        options = {"retain_graph": True, "allow_unused": True}
        return list(torch.autograd.grad(connected, primals, given, **options))

    detached = [output.detach() for output in outputs]
    return detached, tree.map_structure(_without_gradient, others), pullback


def _without_gradient(value):
    return value.detach() if hasattr(value, "detach") else value


def compiler(model):
    """As of `keras_mtl.gradients._jax`."""
    return None


def to_numpy(x):
    """As of `keras_mtl.gradients._jax`."""
    return x.detach().cpu().numpy()


def replicas():
    """Over how many replicas a loss is shared out."""
    return 1


def train_step(model, step, x, y, sample_weight):
    """As of `keras_mtl.gradients._jax`."""
    import torch

    variables, state = model.trainable_variables, step.state
    before = [v.value for v in state]
    values = [v.value for v in variables]
    found = step(values, before, x, y, sample_weight, model.optimizer.scale_loss(1.0))
    with torch.no_grad():
        model.optimizer.apply(found.gradients, model.trainable_weights[:])
        for variable, old, new in zip(state, before, found.after(values), strict=True):
            if new.data_ptr() != old.data_ptr():
                variable.assign(new)
    rows = next(each for each in tree.flatten(x) if each is not None).shape[0]
    model._loss_tracker.update_state(found.loss, sample_weight=rows)
    return model.compute_metrics(x, y, found.y_pred, sample_weight=sample_weight)


def weighted(by_task, weights):
    """As of `keras_mtl.gradients._combine`, without new memory: the first task's is overwritten."""
    weights = weights.detach()
    # Two variables may have one and the same tensor for their gradients.
    count = Counter(g.data_ptr() for of_task in by_task for g in of_task if g is not None)
    sums = []
    for of_one in zip(*by_task, strict=True):
        known = [(g, weight) for g, weight in zip(of_one, weights, strict=True) if g is not None]
        if not known:
            sums.append(None)
            continue
        (first, weight), *others = known
        dtype, first = first.dtype, first.float()  # Of which a weight may be too large for half.
        alone = _has_its_memory(first) and count[first.data_ptr()] == 1
        total = first.mul_(weight) if alone else first * weight
        for g, weight in others:
            total.addcmul_(g.float(), weight)
        sums.append(total.to(dtype))
    return sums


def inner(a, b):
    """The inner product, in the order in which the numbers lie."""
    import torch

    a, b = a.float(), b.float()
    if a.stride() == b.stride() and _has_its_memory(a) and _has_its_memory(b):
        a, b = (each.as_strided((each.numel(),), (1,)) for each in (a, b))
        return torch.dot(a, b)
    return (a * b).sum()


def _has_its_memory(tensor):
    return tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()

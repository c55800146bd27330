"""Random weights in PyTorch's modules."""

import torch


def drawn(module, rng):
    """The module, ready to predict, with weights, biases and statistics of a NumPy generator."""
    with torch.no_grad():
        for values in module.state_dict().values():
            if values.ndim > 1:
                drawn = rng.normal(0, (2 / values[0].numel()) ** 0.5, values.shape)
            elif values.ndim == 1:
                # Also variances, which are positive.
                drawn = rng.uniform(0.5, 1.5, values.shape)
            else:  # The number of batches.
                continue
            values.copy_(torch.tensor(drawn))
    return module.eval()

"""How a network learns a policy along with its weights, within so many steps."""

import keras
import numpy as np

from keras_mtl.callbacks import AdaShareSchedule
from keras_mtl.datasets import AlternatingBatches
from keras_mtl.optimizers import Alternating

WARM_UP = 0.3
"""Share of the steps in which all blocks are executed."""
ROUNDS = 20
"""Turns of weights and policy, at most, in the rest."""
POLICY_EXAMPLES = 0.2
"""Share of the training examples that the policy learns from."""
POLICY_RATE = 0.01


class PolicySearch:
    """Data, optimizer and callbacks of a search; an epoch is a round of both turns.

    Source: Sun et al., AdaShare, NeurIPS 2020, section 3.
    """

    def __init__(self, steps):
        self.turns = (max(1, steps // (2 * ROUNDS)),) * 2
        self.rounds = max(2, steps // sum(self.turns))
        self.warm_up = max(1, round(WARM_UP * self.rounds))

    @property
    def steps(self):
        """In whole rounds."""
        return self.rounds * sum(self.turns)

    def batches(self, examples, outputs, batch_size, seed):
        order = np.random.default_rng(seed).permutation(len(examples))
        cut = min(len(order) - 1, max(1, round(len(order) * (1 - POLICY_EXAMPLES))))
        parts = (examples.some(np.sort(rows)) for rows in (order[:cut], order[cut:]))
        return AlternatingBatches(
            *(part.batches(outputs, batch_size, seed) for part in parts), steps=self.turns
        )

    def optimizer(self, weights):
        """Turns of an optimizer of the weights, which a function makes, and one of the policy."""
        return Alternating(
            weights(),
            keras.optimizers.Adam(POLICY_RATE),
            steps=self.turns,
            warm_up=weights(),
            warm_up_steps=self.warm_up * sum(self.turns),
        )

    def callbacks(self):
        # The temperature of the authors' hundred rounds, in as many as there are.
        decay = 0.965 ** (100 / max(1, self.rounds - self.warm_up))
        return [AdaShareSchedule(self.warm_up, decay=decay, blocks_every=None)]

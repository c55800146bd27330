"""What all networks of a study are made of."""

import functools

import keras

from keras_mtl._checks import check_choice
from keras_mtl.search import propose_cuts
from keras_mtl.study._digest import digest_of_arrays
from keras_mtl.study._draws import draws_of
from keras_mtl.study._fresh_weights import fresh_weights, is_untrained
from keras_mtl.towers import Tower


class Backbone:
    """A network of which each seed has its own copy; it can be handed to another process.

    Args:
        network: a functional Keras model, a `Tower`, or a function of a seed that makes one.
        cuts: names of the layers that end stages, or `None`.
        weights: `"keep"`, `"draw"`, or `None` to look.
    """

    def __init__(self, network, cuts, weights):
        if weights is not None:
            check_choice("weights", weights, ("keep", "draw"))
        self.weights, self._make = weights, None
        if isinstance(network, (keras.Model, Tower)):
            tower = _as_tower(network, cuts)
            self._model = tower.model
            if weights is None:
                untrained = is_untrained(tower.model)
                if untrained is None:
                    raise ValueError(
                        "`weights` must be 'keep' or 'draw' for this backbone, of which it cannot "
                        "be seen whether it has been trained: it has no biases. Received: None."
                    )
                self.weights = "draw" if untrained else "keep"
        elif callable(network):
            if weights == "keep":
                raise ValueError("`weights` must not be 'keep' where a function draws them anew.")
            self.weights, self._make = "draw", network
            tower = _as_tower(self._made(0), cuts)
        else:
            raise TypeError(
                "`backbone` must be a Keras model, a Tower, or a function of a seed that makes "
                f"one. Received: backbone={network!r}."
            )
        self._stages, self._along, self._fast = tower.stages, tower.along, tower.fast

    @functools.lru_cache(maxsize=1)  # noqa: B019  seeds come one after the other
    def tower(self, seed: int) -> Tower:
        """The tower that networks of a seed are made of."""
        if self._make is not None:
            return _as_tower(self._made(seed), self._stages)
        model = fresh_weights(self._model, seed) if self.weights == "draw" else self._model
        # By its place: a model that went through a file has its own names of inputs.
        return Tower(model, self._stages, model.inputs[self._along].name, self._fast)

    @functools.cache  # noqa: B019  a string a seed
    def digest(self, seed: int) -> str:
        """Of the weights that a function makes for a seed; empty where all else says them."""
        return "" if self._make is None else digest_of_arrays(self.tower(seed).model.get_weights())

    def _made(self, seed):
        with draws_of(seed):
            return self._make(seed)


def _as_tower(network, cuts):
    if isinstance(network, Tower):
        if cuts is not None and tuple(cuts) != network.stages:
            raise ValueError(
                "`cuts` must be None where the backbone is a Tower, which has its own. "
                f"Received: cuts={cuts}."
            )
        return network
    return Tower(network, propose_cuts(network) if cuts is None else cuts)

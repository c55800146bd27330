"""Where networks are cut if nobody says."""

import keras
import pytest
from keras import layers

from keras_mtl.search import cost, propose_cuts
from keras_mtl.towers import Tower

pytestmark = pytest.mark.one_backend


def net(name="net", prefix="dense"):
    return keras.Sequential(
        [keras.Input((16,)), *(layers.Dense(16, name=f"{prefix}{n}") for n in range(8))], name=name
    )


@pytest.mark.parametrize("stages, places", [(1, []), (4, [1, 3, 5]), (8, range(7))])
def test_stages_cost_about_the_same(stages, places):
    assert propose_cuts(net(), stages) == [f"dense{place}" for place in places]


def test_of_places_that_serve_as_well_it_is_the_narrowest():
    x = image = keras.Input((16, 16, 4))
    for number in range(4):
        wide = layers.Conv2D(16, 1, name=f"wide{number}")(x)
        x = layers.Conv2D(4, 1, name=f"narrow{number}")(wide)
    assert propose_cuts(keras.Model(image, x)) == ["narrow0", "narrow1", "narrow2"]


@pytest.mark.parametrize("make", [keras.Sequential, lambda found: chain(found)])
def test_models_within_models_are_cut_as_well(make):
    """As one writes it with a pretrained network: its layers are those of a model within."""
    model = make([keras.Input((16,)), layers.Rescaling(0.5), net(), layers.Dense(2, name="last")])
    cuts = propose_cuts(model)
    assert cuts == ["dense1", "dense3", "dense5"]
    tower = Tower(model, cuts)
    assert tower.stages == (*cuts, "last") and cost(tower.model) == cost(model)


def chain(found):
    x, *others = found
    image = x
    for layer in others:
        x = layer(x)
    return keras.Model(image, x)


def test_names_that_stand_in_two_models_are_not_told_apart():
    image = keras.Input((16,), name="picture")
    x = layers.Dense(16, name="between")(net("one")(image))
    assert propose_cuts(keras.Model(image, net("two")(x)), 2) == ["between"]


def test_models_within_models_within_models():
    """Inputs may be called alike: no network is cut there."""
    image = keras.Input((16,), name="image")
    inner = keras.Model(image, net()(image), name="inner")
    again = keras.Input((16,), name="image")
    assert propose_cuts(keras.Model(again, inner(again))) == ["dense1", "dense3", "dense5"]

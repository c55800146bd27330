"""What a contender says of its own training, trained."""

import dataclasses

import keras
import pytest

from keras_mtl.study import hard_sharing


class Count(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        Count.steps += 1


def test_they_are_trained_by_what_is_their_own(make):
    given = {"rate": 0.5, "steps": 6, "optimizer": keras.optimizers.SGD(0.1)}
    own = dataclasses.replace(hard_sharing(), name="own", callbacks=lambda: [Count()], **given)
    study = make(contenders=[own], seeds=1)
    Count.steps = 0
    found = study.run()
    assert Count.steps == 6 and found.scores["own"][0]["steps"] == 6
    (training,) = own.networks(study, 0)
    first, second = (study.optimizer(each) for each in (training.start[0], training))
    assert isinstance(second, keras.optimizers.SGD) and first.learning_rate == 0.05
    assert type(study.optimizer(study.trainings[0])).__name__ == "Adam"


class Ends(keras.callbacks.Callback):
    """Stops behind the first epoch, and changes the weights when all is over."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.model.set_weights([0 * each + 1 for each in self.model.get_weights()])


def test_callbacks_may_stop_a_training_and_have_the_last_word(make):
    own = dataclasses.replace(hard_sharing(), name="own", callbacks=lambda: [Ends()])
    study = make(contenders=[own], seeds=1, steps=16)
    found = study.run()
    (training,) = own.networks(study, 0)
    # 20 examples are two whole batches of 8: an epoch of each part.
    assert found.scores["own"][0]["steps"] == 4 and study.record_of(training)["steps"] == 2
    assert all((each == 1).all() for each in study.network(training).get_weights())


def test_the_rate_of_a_contender_multiplies_schedules_and_goes_into_what_scales_losses(make):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    for optimizer, first, last in (
        (keras.optimizers.SGD(schedule), 0.05, 0.025),
        (scaled, 0.05, 0.0),
    ):
        own = dataclasses.replace(hard_sharing(), name="own", rate=0.1, optimizer=optimizer)
        study = make()
        made = study.optimizer(own.networks(study, 0)[0])
        made = getattr(made, "inner_optimizer", made)
        rates = [float(made._learning_rate(step)) for step in (0, 10)]
        assert rates == pytest.approx([first, last], abs=1e-6)

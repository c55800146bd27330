"""What the networks of Multi-Fashion are, and how long they learn."""

from keras_mtl.recipes._settings import Settings


def _settings(train_images, batch_size, epochs):
    """Settings with which networks see the pictures `epochs` times, and then as many times more.

    Both rates were chosen on pictures 50,000 to 55,000 of the training split, never on the test
    split. The factor of 100 on the alphas goes with the cross-stitch paper's rate of 0.001; here it
    diverges, as 10 does at a rate of 0.1.
    """
    iterations = epochs * (train_images // batch_size)
    return Settings(
        train_images=train_images,
        test_images=10_000,
        batch_size=batch_size,
        network={},
        one_task_iterations={"top_left": iterations, "bottom_right": iterations},
        further_iterations=iterations,
        learning_rate=0.03,
        annealed=False,
        augmented=False,
        weight_decay=0.0,
        alpha_rate=10.0,
    )


PRESETS = {
    # On two cores in minutes.
    "mini": _settings(train_images=6000, batch_size=64, epochs=6),
    # 100 epochs of batches of 256, as Lin et al.
    "paper": _settings(train_images=60_000, batch_size=256, epochs=50),
}

"""What the networks of the detection tables are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectionSettings(Settings):
    """The settings of detection and attributes."""

    canvas: tuple
    """Height and width of what the networks see, in pixels."""
    shortest_side: int | None
    """What photographs are scaled to, in pixels, as long as they stay within the canvas."""
    proposals: int
    """Regions an image, of which training draws, and which are all scored in a test."""
    rois_per_image: int


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": DetectionSettings(
        canvas=(128, 128),
        shortest_side=None,
        train_images=1200,
        test_images=300,
        batch_size=8,
        proposals=100,
        rois_per_image=32,
        network={
            "width": 1 / 4,
            "fc_width": 1 / 8,
            "stem_strides": 2,
            "rescale": 1 / 64,
        },
        one_task_iterations={"detection": 450, "attributes": 450},
        further_iterations=300,
        learning_rate=0.03,
        annealed=True,
        augmented=True,
        latent_size=24,
        # A unit has one matrix for a whole layer, whose gradient sums over all its channels: with a
        # factor of 10, as for the dense tasks, the alphas run off. Compared on the validation
        # split.
        alpha_rate=1.0,
    ),
    # Fast R-CNN's settings for CaffeNet, two images and 128 regions a batch; the cross-stitch paper
    # does not give its own, nor the size of the basis of MTL-shared. The published networks start
    # from ImageNet's weights, of which they freeze conv1; these, from random ones, train all.
    "paper": DetectionSettings(
        canvas=(1000, 1000),
        shortest_side=600,
        train_images=2113,
        test_images=2227,
        batch_size=2,
        proposals=2000,
        rois_per_image=64,
        network={"rescale": 1 / 64},
        one_task_iterations={"detection": 40_000, "attributes": 40_000},
        further_iterations=10_000,
        learning_rate=1e-3,
        annealed=False,
        rate_falls_after=30_000,
        augmented=True,
        latent_size=64,
    ),
}

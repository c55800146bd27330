"""Pictures of two articles of clothing, and which they are."""

from keras_mtl.datasets import multi_fashion

TASKS = ("top_left", "bottom_right")
DATA_SETS = ("multi_fashion",)
COLUMNS = {
    "top_left": {"top left": ("accuracy", 100)},
    "bottom_right": {"bottom right": ("accuracy", 100)},
}
HEADLINES = {"top_left": "accuracy", "bottom_right": "accuracy"}


class FashionData:
    """Training and test pictures, dicts of `image` and, for each task, integers (N,).

    Args:
        name: `"multi_fashion"`.
        settings: the `Settings`.
        data_dir: folder of Fashion-MNIST's files, as of `multi_fashion.load`.
        cache_dir: not needed, as nothing is made of them that is kept.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        self.class_names = multi_fashion.CLASSES
        self.train = multi_fashion.load("train", settings.train_images, data_dir=data_dir)
        self.test = multi_fashion.load("test", settings.test_images, data_dir=data_dir)

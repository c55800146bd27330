"""Multi-Fashion: two overlapping articles of clothing in one picture, a task for each of them."""

import gzip
import zlib
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._types import Array, PathLike

CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
SIZE = 36
ARTICLE_SIZE = 28
DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"

_PREFIXES = {"train": "train", "test": "t10k"}


def load(
    split: Literal["train", "test"] = "train",
    num_images: int | None = None,
    seed: int = 0,
    data_dir: PathLike | None = None,
) -> dict[str, Array]:
    """Loads Multi-Fashion, composed of the real photographs of Fashion-MNIST.

    Each 28×28 article stands at the top left of a 36×36 picture, and a random other one of the same
    split at the bottom right; where they overlap (20×20 pixels), the brighter pixel is seen. Which
    articles pair is a pure function of (`split`, `seed`): fewer pictures are the first of more.

    Source: Sener & Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018,
    for digits; Lin et al., "Pareto Multi-Task Learning", NeurIPS 2019, for clothing at 36×36. The
    maximum is that of Sener & Koltun's public code, which puts the second digit at (6, 6) and then
    shrinks the picture to 28×28; here it stands in the very corner, at (8, 8), and nothing is
    shrunk. Lin et al. published a file of 120,000 and 20,000 pictures: its pairs are not ours.

    Args:
        split: "train" (60,000 pictures) or "test" (10,000).
        num_images: number of pictures, N; all of the split if `None`.
        seed: integer >= 0; another seed gives other pairs.
        data_dir: folder with Fashion-MNIST's four files (`train-images-idx3-ubyte.gz` …). If
            `None`, that of Debian's package `dataset-fashion-mnist` where it is installed, or else
            what `keras.datasets.fashion_mnist` downloads and keeps.

    Returns:
        A dict of NumPy arrays:

        - `image`: uint8 (N, 36, 36, 1), 0..255.
        - `top_left`, `bottom_right`: int32 (N,), positions in `CLASSES`.

    Raises:
        ValueError: an argument is out of range, or a file is not what its name says.
        OSError: a file is missing or damaged, or the download failed.

    Example:

    ```python
    test = multi_fashion.load("test", num_images=1000)
    CLASSES[test["top_left"][0]]
    ```
    """
    check_choice("split", split, _PREFIXES)
    seed = check_integer("seed", seed, 0)
    articles, labels = _articles(split, data_dir)
    total = len(articles)
    count = total if num_images is None else check_integer("num_images", num_images, 1, total)
    partners = _partners(split, seed, total)[:count]
    image = np.zeros((count, SIZE, SIZE, 1), np.uint8)
    image[:, :ARTICLE_SIZE, :ARTICLE_SIZE, 0] = articles[:count]
    corner = image[:, -ARTICLE_SIZE:, -ARTICLE_SIZE:, 0]
    np.maximum(corner, articles[partners], out=corner)
    return {
        "image": image,
        "top_left": labels[:count].astype(np.int32),
        "bottom_right": labels[partners].astype(np.int32),
    }


def _partners(split, seed, total):
    """For each article the number of another one, never its own."""
    stream = np.random.SeedSequence(seed, spawn_key=(list(_PREFIXES).index(split),))
    steps = np.random.default_rng(stream).integers(1, total, size=total)
    return (np.arange(total) + steps) % total


def _articles(split, data_dir):
    """Pixels (N, 28, 28) and labels (N,) of Fashion-MNIST, checked."""
    if data_dir is None and Path(DEBIAN_FOLDER).is_dir():
        data_dir = DEBIAN_FOLDER
    if data_dir is None:
        articles, labels = _download()[split]
        source = "keras.datasets.fashion_mnist"
    else:
        stem = Path(data_dir) / _PREFIXES[split]
        articles = _read_idx(f"{stem}-images-idx3-ubyte.gz", dimensions=3)
        labels = _read_idx(f"{stem}-labels-idx1-ubyte.gz", dimensions=1)
        source = f"{stem}-*.gz"
    if articles.shape[1:] != (ARTICLE_SIZE, ARTICLE_SIZE) or len(articles) < 2:
        raise ValueError(
            f"{source} must hold at least 2 images of {ARTICLE_SIZE}×{ARTICLE_SIZE} pixels. "
            f"Received: images of shape {articles.shape}."
        )
    if labels.shape != articles.shape[:1]:
        raise ValueError(
            f"{source} must hold one label for each of the {len(articles)} images. "
            f"Received: labels of shape {labels.shape}."
        )
    if labels.max() >= len(CLASSES):
        raise ValueError(
            f"{source} must hold labels from 0 to {len(CLASSES) - 1}. Received: {labels.max()}."
        )
    return articles, labels


def _download():
    try:
        train, test = keras.datasets.fashion_mnist.load_data()
    except MemoryError:
        raise
    # Keras raises a bare `Exception` where a download fails, and others where a kept file is cut.
    except Exception as error:
        raise OSError(
            "Fashion-MNIST could not be had from `keras.datasets.fashion_mnist` "
            f"({type(error).__name__}: {error}). Three ways to get it: connect this machine to the "
            "internet and try again (if a kept file is damaged, remove `datasets/fashion-mnist` "
            "from Keras' folder, ~/.keras, first); install Debian's package "
            "`dataset-fashion-mnist`; or copy the four files train-images-idx3-ubyte.gz, "
            "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz "
            "(https://github.com/zalandoresearch/fashion-mnist) into a folder and pass it as "
            "`data_dir`."
        ) from error
    return {"train": train, "test": test}


def _read_idx(path, dimensions):
    """The bytes of a packed IDX file as an array of so many dimensions.

    The format: two zero bytes, the type (8: unsigned bytes), the number of dimensions, each
    dimension as four big-endian bytes, the values.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"`data_dir` must hold Fashion-MNIST's four .gz files. Received: no {path}."
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(f"{path} must be a whole gzip file. Received: {error}.") from error
    magic = bytes((0, 0, 8, dimensions))
    if content[:4] != magic:
        raise ValueError(
            f"{path} must start with the bytes {magic.hex(' ')} of IDX. "
            f"Received: {content[:4].hex(' ') or 'an empty file'}."
        )
    start = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:start], ">u4") if len(content) >= start else ()
    expected = int(np.prod([int(size) for size in shape]))
    if len(content) < start or len(content) != start + expected:
        sizes = "×".join(str(size) for size in shape) or "a header with its sizes"
        raise ValueError(
            f"{path} must hold {sizes} bytes behind its header of {start}. "
            f"Received: {len(content)} bytes in all."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)

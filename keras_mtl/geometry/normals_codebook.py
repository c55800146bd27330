"""Surface normals as words of a codebook, and back."""

import functools
from typing import Self

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Config, Tensor
from keras_mtl.geometry._spherical_kmeans import spherical_kmeans
from keras_mtl.speed import torch_kernels

# Six evenly spread words (an octahedron) already cover the whole sphere with triangles whose
# circles measure 54.7 degrees; a triangle with a wider circle bridges a hole in the codebook.
WIDEST_CIRCLE = 60.0


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsCodebook:
    """Codebook of unit vectors that turns surface normals into classes and back.

    A network that classifies each pixel's normal into one of K codewords is decoded by
    interpolation: the codewords are triangulated on the sphere, the triangle with the largest
    summed probability is taken, and its three codewords are averaged by their probabilities.

    Args:
        codewords: Array or nested list (K, 3) of different unit vectors, K >= 4, not all on one
            circle.

    Attributes:
        codewords: float32 array (K, 3).
        num_words: K.
        triangles: int32 array (M, 3), the codewords of each triangle.

    Raises:
        ValueError: If `codewords` has another shape, or vectors that are not finite, not of unit
            length or not different.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5: 20
    categories, converted to normals as in Wang, Fouhey, Gupta, Designing Deep Networks for Surface
    Normal Estimation, CVPR 2015, which it follows. The triangulation is theirs as recalled; the
    cross-stitch paper does not spell it out.

    Example:

    >>> codebook = NormalsCodebook.default()
    >>> int(codebook.encode([0.1, 0.0, -0.995]))
    0
    >>> probabilities = np.eye(codebook.num_words, dtype="float32")
    >>> bool(np.allclose(codebook.decode(probabilities), codebook.codewords, atol=1e-6))
    True
    """

    def __init__(self, codewords: ArrayLike) -> None:
        words = np.array(codewords, dtype="float32")
        if words.ndim != 2 or words.shape[1] != 3 or words.shape[0] < 4:
            raise ValueError(
                "`codewords` must be of shape (K, 3) with K >= 4. "
                f"Received: codewords of shape {words.shape}."
            )
        length = np.linalg.norm(words.astype("float64"), axis=1)
        if not np.all(np.abs(length - 1) < 1e-4):
            raise ValueError(
                "`codewords` must be of unit length. "
                f"Received: codewords with lengths {length.tolist()}."
            )
        gap = np.linalg.norm(words[:, None] - words[None], axis=-1) + 2 * np.eye(len(words))
        if gap.min() < 1e-3:
            first, second = sorted(np.unravel_index(np.argmin(gap), gap.shape))
            raise ValueError(
                "`codewords` must all differ. "
                f"Received: codewords {first} and {second} are {gap.min():.1e} apart."
            )
        words.flags.writeable = False
        self.codewords = words

    @classmethod
    def fit(
        cls, normals: ArrayLike, num_words: int = 20, seed: int = 0, max_samples: int = 100_000
    ) -> Self:
        """Codebook by spherical k-means.

        Args:
            normals: Array (..., 3) of unit vectors; a vector of zeros or of NaNs marks a pixel
                without a normal and is left out.
            num_words: Number of codewords K; the paper has 20.
            seed: Int. The same normals and seed give the same codebook.
            max_samples: Most normals to cluster, drawn at random from the valid ones.

        Returns:
            A `NormalsCodebook`.

        Raises:
            ValueError: If `normals` has another shape, holds vectors that are partly NaN, infinite
                or not of unit length (images not scaled back to [-1, 1] are such), or has fewer
                than `num_words` different directions.
        """
        normals = np.asarray(normals)
        if normals.ndim < 1 or normals.shape[-1] != 3:
            raise ValueError(
                f"`normals` must be of shape (..., 3). Received: shape {normals.shape}."
            )
        normals = normals.reshape(-1, 3).astype("float32", copy=False)
        length = np.sqrt(np.einsum("ni,ni->n", normals, normals))
        normals = normals[~((length == 0) | np.isnan(normals).all(axis=1))]
        length = np.linalg.norm(normals, axis=1)
        wrong = ~(np.abs(length - 1) < 0.1)  # so that NaN is wrong, too
        if wrong.any():
            raise ValueError(
                "`normals` must be of unit length, or zero where there is none. Received: "
                f"{wrong.sum()} of {len(normals)} vectors like {normals[wrong.argmax()].tolist()}."
            )
        rng = np.random.default_rng(seed)
        if len(normals) > max_samples:
            chosen = rng.choice(len(normals), max_samples, replace=False, shuffle=False)
            normals, length = normals[chosen], length[chosen]
        if len(normals) < num_words:
            raise ValueError(
                f"`normals` must have at least num_words={num_words} valid vectors. "
                f"Received: {len(normals)}."
            )
        return cls(spherical_kmeans(normals / length[:, None], num_words, rng))

    @classmethod
    def default(cls) -> Self:
        """Twenty codewords over the hemisphere that faces the camera, for use without data.

        In camera coordinates (x right, y down, z forward) a visible surface has a normal with
        mostly z < 0. The words are (0, 0, -1), a ring of 7 at 48 degrees from it and a ring of 12
        at 90 degrees, which holds the axes x and y: those of floors and walls. No direction of the
        hemisphere is further than 27.5 degrees from a word.
        """
        words = [(0.0, 0.0, -1.0)]
        for count, tilt in ((7, 48.0), (12, 90.0)):
            tilt = np.deg2rad(tilt)
            for turn in 2 * np.pi * np.arange(count) / count:
                words.append(
                    (np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), -np.cos(tilt))
                )
        return cls(words)

    @property
    def num_words(self) -> int:
        return len(self.codewords)

    @functools.cached_property
    def triangles(self) -> Array:
        """int32 array (M, 3): the Delaunay triangles of the codewords on the sphere.

        Points on a sphere are all corners of their convex hull, and a face of the hull is a
        Delaunay triangle: the circle through its corners holds no other word. Two kinds of faces
        are no part of a codebook that covers less than the sphere, as camera-facing words do:
        faces that the origin sees from outside (they close the hull behind the words and would
        cover the same directions a second time), and faces whose circle is so wide that they only
        bridge a hole between words that no normal connects, such as opposite walls. Were they
        kept, a pixel torn between opposite walls would decode to a normal behind the scene.
        """
        # Imported here, since `import keras_mtl` costs no more than `import keras`.
        from scipy.spatial import ConvexHull, QhullError

        try:
            hull = ConvexHull(self.codewords.astype("float64"))
        except QhullError as error:
            raise ValueError(
                "`codewords` must not all be on one circle. "
                f"Received: codewords={self.codewords.tolist()}."
            ) from error
        faces = np.sort(hull.simplices, axis=1)
        # The distance of a face's plane from the origin is the cosine of its circle's radius.
        cosine = -hull.equations[:, 3]
        narrow = cosine >= np.cos(np.deg2rad(WIDEST_CIRCLE))
        keep = narrow.copy()
        for word in range(self.num_words):
            around = (faces == word).any(axis=1)
            if not narrow[around].any():
                # A lonely word must stay reachable: it keeps its narrowest faces, which the origin
                # sees from inside (no other point of the hull lies further out in its direction).
                keep |= around & (cosine > cosine[around].max() - 1e-6)
        faces = faces[keep]
        return faces[np.lexsort(faces.T[::-1])].astype("int32")

    @functools.cached_property
    def _membership(self):
        """float32 array (M, K): 1 where the word is a corner of the triangle."""
        membership = np.zeros((len(self.triangles), self.num_words), dtype="float32")
        np.put_along_axis(membership, self.triangles, 1.0, axis=1)
        return membership

    @staticmethod
    def is_valid(normals: Tensor) -> Tensor:
        """Bool (...): whether (..., 3) holds a normal: neither zeros nor anything not finite."""
        # A comparison with NaN is false. Below 1e-3 a vector has length by rounding only.
        squares = ops.sum(ops.square(normals), axis=-1)
        return ops.logical_and(squares > 1e-6, squares < float("inf"))

    def encode(self, normals: Tensor) -> Tensor:
        """Nearest codeword of each normal.

        Args:
            normals: Float tensor (..., 3). Length does not matter; where there is no normal
                (`is_valid` is false) the index has no meaning.

        Returns:
            int32 tensor (...) in [0, K).
        """
        normals = ops.convert_to_tensor(normals, dtype="float32")
        word = _nearest(ops.reshape(normals, (-1, 3)), self.codewords)
        return ops.reshape(word, ops.shape(normals)[:-1])

    def decode(self, probabilities: Tensor) -> Tensor:
        """Normals from the probabilities of the codewords.

        Args:
            probabilities: Float tensor (..., K), not negative, not all zero; not logits.

        Returns:
            float32 tensor (..., 3) of unit vectors.
        """
        probabilities = ops.cast(ops.convert_to_tensor(probabilities), "float32")
        flat = ops.reshape(probabilities, (-1, self.num_words))
        best = _nearest(flat, self._membership)
        # Selecting by a row of zeros and ones is faster than gathering three probabilities and
        # three words; dividing by the triangle's probability is left to the unit length.
        corners = ops.take(ops.convert_to_tensor(self._membership), best, axis=0)
        normals = ops.matmul(flat * corners, self.codewords)
        length = ops.sum(ops.square(normals), axis=-1, keepdims=True)
        normals = normals * ops.rsqrt(ops.maximum(length, 1e-20))
        return ops.reshape(normals, (*ops.shape(probabilities)[:-1], 3))

    def get_config(self) -> Config:
        return {"codewords": self.codewords.tolist()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def _nearest(rows, words):
    """int32 index (N,) of the first of `words` (K, C) whose product with each of `rows` is largest.

    In this layout a running maximum takes whole rows. Against `ops.argmax` over the last axis of
    (N, K) it takes, product included, 0.12 to 0.17 of the time on JAX and 0.35 to 0.65 on
    TensorFlow (N = 16 x 96 x 96, K = 20 and 30, 2 cores).
    """
    kernels = torch_kernels("_torch_losses")
    if kernels is not None:
        return kernels.nearest(rows, words)
    scores = ops.matmul(words, ops.transpose(rows))
    best = scores[0]
    index = ops.zeros_like(best, dtype="int32")
    for i in range(1, scores.shape[0]):
        index = ops.where(scores[i] > best, i, index)
        best = ops.maximum(best, scores[i])
    return index

import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

FOUND = {
    "boxes": np.array([[10, 40, 30, 60], [50, 5, 90, 90], [0, 0, 96, 96], [5, 5, 9, 9]]),
    "classes": np.array([2, 1, 2, 1]),
    "scores": np.array([0.9, 0.8, 0.7, 0.2]),
    "attributes": np.array([[0.9, 0.1, 0.95], [0.2, 0.3, 0.4], [0.6, 0.7, 0.8], [1, 1, 1]]),
}
IMAGE = np.full((96, 96, 3), 128.0)


@pytest.fixture
def axes():
    plt = plots.pyplot()
    plt.switch_backend("agg")
    yield plt.figure(figsize=(4, 4)).add_axes((0, 0, 1, 1))
    plt.close("all")


def labels(axes):
    return [text.get_text().split("\n") for text in axes.texts]


def test_objects_are_drawn_with_the_best_on_top(axes):
    assert plots.detections(axes, IMAGE, FOUND, ["cat", "dog"]) is axes
    assert labels(axes) == [["dog 0.70"], ["cat 0.80"], ["dog 0.90"]]
    boxes = [patch.get_bbox().extents + 0.5 for patch in axes.patches]
    np.testing.assert_allclose(boxes, FOUND["boxes"][[2, 1, 0]])
    assert axes.images[0].get_array().dtype == "uint8"


def test_the_likely_attributes_are_written_the_strongest_first(axes):
    options = {"score_threshold": 0.75, "max_attributes": 1}
    names = ["round", "wooden", "striped"]
    plots.detections(axes, IMAGE, FOUND, ["cat", "dog"], names)
    assert labels(axes)[1:] == [["cat 0.80"], ["dog 0.90", "striped", "round"]]
    axes.clear()
    plots.detections(axes, IMAGE, FOUND, ["cat", "dog"], names, **options)
    assert labels(axes) == [["cat 0.80"], ["dog 0.90", "striped"]]


@pytest.mark.parametrize("scale", [1, 5])
def test_labels_stay_in_the_picture_and_off_the_box(axes, scale):
    found = {**FOUND, "boxes": scale * FOUND["boxes"]}
    image = np.kron(IMAGE, np.ones((scale, scale, 1)))
    plots.detections(axes, image, found, ["cat", "dog"], ["round", "wooden", "striped"])
    axes.figure.canvas.draw()
    frame = axes.get_window_extent()
    for text, box in zip(axes.texts, axes.patches, strict=True):
        extent = text.get_window_extent()
        for point in (extent.min, extent.max):
            assert frame.padded(1).contains(*point)
        whole = box.get_height() == 96 * scale
        shared = extent.y1 > box.get_window_extent().y0 and extent.y0 < box.get_window_extent().y1
        assert whole == (shared and extent.height > 0)


def test_labels_do_not_hide_each_other(axes):
    """Objects close together: each label has a place of its own, above, below or inside."""
    boxes = np.array([[4, 30, 40, 60], [6, 31, 44, 64], [8, 32, 48, 62], [3, 29, 50, 70]])
    found = {"boxes": boxes, "classes": [1, 1, 2, 2], "scores": [0.9, 0.8, 0.7, 0.6]}
    plots.detections(axes, IMAGE, found, ["cat", "dog"])
    axes.figure.canvas.draw()
    extents = [text.get_window_extent() for text in axes.texts]
    assert len(extents) == 4
    assert not any(one.overlaps(other) for at, one in enumerate(extents) for other in extents[:at])


def test_a_picture_without_objects_is_drawn(axes):
    none = {"boxes": np.zeros((0, 4)), "classes": [], "scores": [], "attributes": np.zeros((0, 3))}
    plots.detections(axes, IMAGE, none, ["cat"], ["round", "wooden", "striped"])
    assert axes.images and not axes.texts


def test_what_has_no_name_is_refused(axes):
    with pytest.raises(ValueError, match=r"`found\['classes'\]` must be from 1 to 1.*\[1 2\]"):
        plots.detections(axes, IMAGE, FOUND, ["cat"])
    with pytest.raises(ValueError, match=r"`found\['attributes'\]` must be \(4, 2\).*\(4, 3\)"):
        plots.detections(axes, IMAGE, FOUND, ["cat", "dog"], ["round", "wooden"])
    with pytest.raises(ValueError, match=r"`image` must be \(height, width, 3\).*\(96, 96\)"):
        plots.detections(axes, IMAGE[..., 0], FOUND, ["cat", "dog"])

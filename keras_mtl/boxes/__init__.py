"""Boxes `[x1, y1, x2, y2]` in pixels, in NumPy.

x goes to the right, y down, and (x2, y2) is exclusive: the width is x2 - x1.
"""

# Keras has much of this in `keras.utils.bounding_boxes`, on its backend. These functions run in
# data workers and on predictions, beside a model that is busy with the backend: NumPy alone.

from keras_mtl.boxes.canvas import canvas
from keras_mtl.boxes.check_boxes import check_boxes
from keras_mtl.boxes.clip_boxes import clip_boxes
from keras_mtl.boxes.decode_boxes import decode_boxes
from keras_mtl.boxes.decode_detections import decode_detections
from keras_mtl.boxes.encode_boxes import encode_boxes
from keras_mtl.boxes.iou import iou
from keras_mtl.boxes.non_maximum_suppression import non_maximum_suppression

__all__ = [
    "canvas",
    "check_boxes",
    "clip_boxes",
    "decode_boxes",
    "decode_detections",
    "encode_boxes",
    "iou",
    "non_maximum_suppression",
]

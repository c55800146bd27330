"""From a task's last features to its output."""

from keras_mtl.heads.attributes_head import AttributesHead
from keras_mtl.heads.depth_head import DepthHead
from keras_mtl.heads.detection_head import DetectionHead
from keras_mtl.heads.fcn_head import FCNHead
from keras_mtl.heads.normals_codebook import NormalsCodebook
from keras_mtl.heads.normals_head import NormalsHead
from keras_mtl.heads.segmentation_head import SegmentationHead

__all__ = [
    "AttributesHead",
    "DepthHead",
    "DetectionHead",
    "FCNHead",
    "NormalsCodebook",
    "NormalsHead",
    "SegmentationHead",
]

"""From a task's last features to its output."""

from keras_mtl.heads.aspp_depth_head import ASPPDepthHead
from keras_mtl.heads.aspp_head import ASPPHead
from keras_mtl.heads.aspp_map_head import ASPPMapHead
from keras_mtl.heads.aspp_normals_head import ASPPNormalsHead
from keras_mtl.heads.aspp_segmentation_head import ASPPSegmentationHead
from keras_mtl.heads.attributes_head import AttributesHead
from keras_mtl.heads.depth_head import DepthHead
from keras_mtl.heads.detection_head import DetectionHead
from keras_mtl.heads.fcn_head import FCNHead
from keras_mtl.heads.map_head import MapHead
from keras_mtl.heads.normals_head import NormalsHead
from keras_mtl.heads.segmentation_head import SegmentationHead

__all__ = [
    "ASPPDepthHead",
    "ASPPHead",
    "ASPPMapHead",
    "ASPPNormalsHead",
    "ASPPSegmentationHead",
    "AttributesHead",
    "DepthHead",
    "DetectionHead",
    "FCNHead",
    "MapHead",
    "NormalsHead",
    "SegmentationHead",
]

"""The zoo: prebuilt models, each a tower, a sharing and heads."""

from keras_mtl.applications.cross_stitch_fcn import CrossStitchFCN
from keras_mtl.applications.fcn import FCN

__all__ = ["FCN", "CrossStitchFCN"]

"""What a study has found as one page, readable without scripts and without a network."""

from keras_mtl.study.report.page import Page, needed, page
from keras_mtl.study.report.report import report

__all__ = ["Page", "needed", "page", "report"]

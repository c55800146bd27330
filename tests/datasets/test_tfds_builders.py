"""The data sets' TFDS builders, tested by TFDS, found by name and read by TensorFlow."""

import tempfile
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TFDS tests builders with TensorFlow", allow_module_level=True)

import tensorflow_datasets as tfds
from published_files.celeba import shrink_celeba, write_celeba
from published_files.cityscapes_mtl import shrink_cityscapes, write_cityscapes
from published_files.nyuv2 import shrink_nyuv2, write_nyuv2
from published_files.taskonomy import shrink_taskonomy, write_taskonomy
from published_files.ut_zappos50k import shrink_ut_zappos50k, write_ut_zappos50k
from published_files.voc2008_attributes import (
    shrink_voc2008_attributes,
    write_voc2008_attributes,
)

from keras_mtl import datasets
from keras_mtl.datasets.celeba import celeba_dataset_builder
from keras_mtl.datasets.cityscapes_mtl import cityscapes_mtl_dataset_builder
from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder
from keras_mtl.datasets.taskonomy import taskonomy_dataset_builder
from keras_mtl.datasets.ut_zappos50k import ut_zappos50k_dataset_builder
from keras_mtl.datasets.voc2008_attributes import voc2008_attributes_dataset_builder


class Files:
    """Published files of a few pictures; what is tested of each builder besides."""

    JPEG = False

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.write(Path(cls.EXAMPLE_DIR), np.random.default_rng(20160627))
        cls.shrink(cls.enterClassContext(pytest.MonkeyPatch.context()))
        super().setUpClass()

    @staticmethod
    def columns(example):
        """Of what `load` returns, besides pictures, what can be had of an example directly."""
        return {}

    def test_metadata(self):
        info = self.builder.info
        assert info.description.splitlines()[0] and "To get the files" in info.description
        assert info.citation.startswith("@")
        assert self.builder.get_metadata().tags

    def test_read_by_name(self):
        """TensorFlow decodes what `load` does; both prepare in a format of their own."""
        folder, name = Path(self.EXAMPLE_DIR), self.DATASET_CLASS.name
        configs = self.BUILDER_CONFIG_NAMES_TO_TEST or [None]
        by_name = partial(tfds.builder, name, config=configs[0])
        builder = by_name(data_dir=folder / "by_name")
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=folder)
        )
        for split, count in self.SPLITS.items():
            loaded = self.load(split)
            reader = by_name(data_dir=folder / "prepared", file_format="array_record")
            source = reader.as_data_source(split=split)
            assert len(source) == len(loaded["image"]) == count
            examples = tfds.as_numpy(builder.as_dataset(split=split))
            for row, (example, other) in enumerate(zip(examples, source, strict=True)):
                for feature, value in example.items():
                    self.check_same(feature, value, other[feature])
                self.check_same("image", example["image"], loaded["image"][row])
                for column, value in self.columns(example).items():
                    np.testing.assert_array_equal(loaded[column][row], value)

    def check_same(self, feature, value, other):
        if self.JPEG and feature == "image":
            # Decoders round differently, most of all at edges.
            assert value.shape == other.shape
            assert np.abs(value.astype(int) - other).mean() < 2
        else:
            np.testing.assert_array_equal(value, other)

    def load(self, split):
        return getattr(datasets, self.DATASET_CLASS.name).load(split, self.EXAMPLE_DIR)


class TestNYUv2(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = nyuv2_dataset_builder.Builder
    SPLITS = {"train": 3, "test": 2}
    write, shrink = staticmethod(write_nyuv2), staticmethod(shrink_nyuv2)

    @staticmethod
    def columns(example):
        segmentation = example["labels_40"][..., 0] - np.uint8(1)
        return {"depth": example["depth"], "segmentation": segmentation}


class TestVOC2008Attributes(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = voc2008_attributes_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["apascal"]
    JPEG = True
    SPLITS = {"train": 2, "test": 1}
    OVERLAPPING_SPLITS = ["test"]  # of the small files alone
    shrink = staticmethod(shrink_voc2008_attributes)

    @staticmethod
    def write(folder, rng):
        write_voc2008_attributes(folder)

    @staticmethod
    def columns(example):
        return {name: example[name] for name in ("boxes", "classes", "attributes", "difficult")}


class TestCelebA(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = celeba_dataset_builder.Builder
    JPEG = True
    SPLITS = {"train": 4, "validation": 1, "test": 2}
    write, shrink = staticmethod(write_celeba), staticmethod(shrink_celeba)


class TestUTZappos50K(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = ut_zappos50k_dataset_builder.Builder
    JPEG = True
    SPLITS = {"shoes": 30}
    write, shrink = staticmethod(write_ut_zappos50k), staticmethod(shrink_ut_zappos50k)

    def load(self, split):
        return datasets.ut_zappos50k.load("all", self.EXAMPLE_DIR)


class TestCityscapes(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = cityscapes_mtl_dataset_builder.Builder
    SPLITS = {"train": 3, "validation": 2}
    write, shrink = staticmethod(write_cityscapes), staticmethod(shrink_cityscapes)


class TestTaskonomy(Files, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = taskonomy_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["tiny"]
    SPLITS = {"train": 4, "validation": 1, "test": 2}
    write, shrink = staticmethod(write_taskonomy), staticmethod(shrink_taskonomy)

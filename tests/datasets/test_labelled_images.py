"""Pictures on disk with a table of labels: what it is taken for, and what is refused."""

import pickle

import keras
import numpy as np
import pytest
from PIL import Image

from keras_mtl.datasets import LabelledImages
from keras_mtl.datasets._label_table import read_table

pytestmark = pytest.mark.one_backend

ROWS = 20


@pytest.fixture
def folder(tmp_path):
    """Twenty pictures, whose brightness is their number, and a mask for each."""
    for number in range(ROWS):
        Image.new("RGB", (8, 6), (10 * number,) * 3).save(tmp_path / f"{number}.png")
        mask = np.zeros((6, 8), "uint8")
        mask[:, :4], mask[0, 0] = number % 3, 255
        Image.fromarray(mask).save(tmp_path / f"mask{number}.png")
    return tmp_path


@pytest.fixture
def write(folder):
    """A function that writes a table of columns, functions of a row's number or lists."""

    def table(delimiter=",", encoding="utf-8", name="labels.csv", **columns):
        columns = {"file": lambda number: f"{number}.png", **columns}
        cells = [
            [str(of[number] if isinstance(of, list) else of(number)) for of in columns.values()]
            for number in range(ROWS)
        ]
        lines = [delimiter.join(row) for row in [list(columns), *cells]]
        path = folder / name
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return table


def test_numbers_are_learned_in_units_of_their_deviation(write):
    """By the rows that are learned from: a mean that is not known there would be told."""
    data = LabelledImages(write(year=lambda number: "" if number == 3 else 1900 + 7.5 * number))
    known = data.train[1]["year"]
    known = known[~np.isnan(known)]
    task = data.tasks["year"]
    said = task.head(np.zeros((1, 4), "float32"))  # No features: the mean.
    said = keras.ops.convert_to_numpy(said)
    assert said == pytest.approx(known.mean(), rel=1e-6)
    assert task.weight * np.mean((known - known.mean()) ** 2) == pytest.approx(1, rel=1e-5)


def test_what_columns_are(write):
    path = write(
        age=lambda number: f"{number / 4:.2f}",
        many=lambda number: number + 5 * (number > 0) * 10,
        legs=lambda number: 2 * (number % 2),
        kind=lambda number: "" if number == 3 else ["cat", "dog"][number % 2],
        traits=lambda number: ["red; round", "round", "old;", ""][number % 4],
        mask=lambda number: "" if number == 4 else f"mask{number}.png",
    )
    data = LabelledImages(path)
    assert {name: column.kind for name, column in data.columns.items()} == {
        "age": "regression",
        "many": "classification",  # Whole numbers, no more than twenty.
        "legs": "classification",
        "kind": "classification",
        "traits": "attributes",
        "mask": "map",
    }
    assert data.columns["legs"].classes == ("0", "2")
    assert data.columns["kind"].classes == ("cat", "dog")
    assert data.columns["traits"].classes == ("old", "red", "round")
    assert data.columns["mask"].classes == ("0", "1", "2")
    counts = {name: int(column.known.sum()) for name, column in data.columns.items()}
    assert counts == {"age": 20, "many": 20, "legs": 20, "kind": 19, "traits": 15, "mask": 19}
    assert data.columns["traits"].labels[:4].tolist() == [
        [0, 1, 1],
        [0, 0, 1],
        [1, 0, 0],
        [-1, -1, -1],
    ]
    kinds = {name: task.kind for name, task in data.tasks.items()}
    assert kinds["mask"] == kinds["kind"] == "classes" and kinds["traits"] == "attributes"


def test_pictures_and_maps_are_read_where_they_are_asked_for(write):
    path = write(
        mask=lambda number: "" if number == 4 else f"mask{number}.png",
        split=lambda number: ["train", "Val", "test"][number % 3],
    )
    data = LabelledImages(path, size=(3, 4))
    x, y = data.validation
    assert (x.shape, str(x.dtype)) == ((7, 3, 4, 3), "float32")
    assert [row[0, 0, 0] for row in x[:]] == [10.0 * number for number in range(1, 20, 3)]
    assert (y["mask"].shape, str(y["mask"].dtype)) == ((7, 3, 4), "uint8")
    assert (y["mask"][1] == 255).all()  # Row 4 has none.
    assert y["mask"][0].tolist() == [[1, 1, 0, 0]] * 3
    again = pickle.loads(pickle.dumps((x, y)))
    np.testing.assert_array_equal(again[0][2], x[2])
    (remark,) = data.remarks
    assert remark == "pictures of 1 size are scaled to 3×4 pixels, whatever their shape"


def test_maps_of_numbers(write, folder):
    for number in range(ROWS):
        depth = np.full((6, 8), 1000 + number, "uint16")
        Image.fromarray(depth).save(folder / f"depth{number}.png")
    data = LabelledImages(write(depth=lambda number: f"depth{number}.png"))
    assert data.columns["depth"].classes is None and data.tasks["depth"].kind == "numbers"
    x, y = data.train
    assert y["depth"].shape == (14, 6, 8, 1) and y["depth"][0].min() >= 1000


def test_parts_are_drawn_with_a_seed(write):
    path = write(age=lambda number: number / 2)
    parts = [LabelledImages(path, seed=seed).train[1]["age"].tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2] and len(parts[0]) == 14
    data = LabelledImages(path, shares=(1, 1, 2))
    assert [len(part[0]) for part in (data.train, data.validation, data.test)] == [5, 5, 10]
    rows = sorted(
        age for part in (data.train, data.validation, data.test) for age in part[1]["age"]
    )
    assert rows == [[number / 2] for number in range(ROWS)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_all_kinds(write, delimiter, encoding):
    path = write(delimiter, encoding, kind=lambda number: ["Bär", "Maß"][number % 2])
    cells, remarks, has_commas = read_table(path)
    assert has_commas == (delimiter != ",")
    assert list(cells) == ["file", "kind"] and set(cells["kind"]) == {"Bär", "Maß"}
    assert len(remarks) == (delimiter != ",") + (encoding == "cp1252")


def test_decimal_commas(write):
    data = LabelledImages(write(";", age=lambda number: f"{number},5"))
    assert data.columns["age"].kind == "regression"
    assert data.columns["age"].labels[:2].ravel().tolist() == [0.5, 1.5]


def test_what_other_programs_write(write):
    path = write(age=lambda number: ["NA", "nan", "", number / 2][min(number, 3)])
    path.write_text("\n".join(f"{n},{line}" for n, line in enumerate(path.read_text().split("\n"))))
    path.write_text("," + path.read_text().partition(",")[2])
    data = LabelledImages(path)
    assert data.columns["age"].kind == "regression"
    assert data.columns["age"].known.sum() == 17
    assert data.remarks == ["the first column, which has no name, is left out"]
    thousands = write(age=lambda number: f'"1,{number:03}"', name="thousands.csv")
    with pytest.raises(ValueError, match="column 'age' must have numbers. Received: 1,000"):
        LabelledImages(thousands, kinds={"age": "regression"})


def test_masks_of_black_and_white(write, folder):
    for number in range(ROWS):
        mask = np.zeros((6, 8), "uint8")
        mask[:3] = 255
        Image.fromarray(mask).save(folder / f"white{number}.png")
        np.save(folder / f"depth{number}.npy", np.where(mask > 0, np.nan, 2.5))
        Image.fromarray(mask // 255 * 0).save(folder / f"black{number}.png")
    path = write(
        mask=lambda number: f"white{number}.png", depth=lambda number: f"depth{number}.npy"
    )
    data = LabelledImages(path)
    assert data.columns["mask"].classes == ("0", "1") and data.columns["depth"].classes is None
    assert data.train[1]["mask"][0][:, 0].tolist() == [1, 1, 1, 0, 0, 0]
    assert np.isnan(data.train[1]["depth"][0][:3]).all()
    assert data.remarks == ["mask has 0 and 255 alone: 255 is taken for a class"]
    with pytest.raises(ValueError, match="column 'black' must have maps of more than one class"):
        LabelledImages(write(black=lambda number: f"black{number}.png"))


def test_kinds_may_be_told(write):
    path = write(stars=lambda number: number % 5, note=lambda number: f"note {number}")
    data = LabelledImages(path, kinds={"stars": "regression"}, leave_out=["note"])
    assert list(data.columns) == ["stars"] and data.columns["stars"].kind == "regression"


def test_what_may_surprise_is_said(write):
    kinds = ["cat"] * 9 + ["dog"] * 10 + ["owl"]
    path = write(kind=kinds, split=["test"] * 5 + ["valid"] * 5 + ["train"] * 10)
    assert LabelledImages(path).remarks == [
        "kind has one example only of owl",
        "kind has no example to learn from of cat",
    ]


def broken(folder):
    (folder / "3.png").unlink()
    (folder / "5.png").write_bytes(b"")
    (folder / "7.png").write_bytes((folder / "7.png").read_bytes()[:45])
    (folder / "mask9.png").write_bytes(b"no picture")


def test_broken_files_are_listed_and_left_out_if_asked(write, folder):
    path = write(mask=lambda number: f"mask{number}.png")
    broken(folder)
    with pytest.raises(ValueError, match=r"4 of 20 rows with others: 3\.png \(missing\)") as told:
        LabelledImages(path)
    assert all(name in str(told.value) for name in ("5.png", "7.png", "mask9.png"))
    data = LabelledImages(path, skip_broken=True)
    assert sum(len(part[0]) for part in (data.train, data.validation, data.test)) == 16
    assert data.remarks[0].startswith("4 rows are left out")
    for part in (data.train, data.validation, data.test):
        part[0][:], part[1]["mask"][:]


@pytest.mark.parametrize(
    "columns, options, message",
    [
        ({}, {}, "must have columns of labels beside 'file'"),
        ({"age": lambda n: ""}, {}, "column 'age' must have labels. Received: empty cells only"),
        ({"age": lambda n: 3}, {}, "column 'age' must have more than one value .*'3' in all 20"),
        ({"word": lambda n: f"w{n}x"}, {}, None),
        ({"age": lambda n: n}, {"kinds": {"age": "number"}}, "`kind of 'age'` must be"),
        ({"age": lambda n: n}, {"kinds": {"size": "map"}}, "`kinds` must be of columns"),
        ({"age": lambda n: n}, {"image": "photo"}, "`image` must be of columns"),
        ({"age": lambda n: n}, {"leave_out": ["old"]}, "`leave_out` must be of columns"),
        ({"age": lambda n: n}, {"size": (0, 4)}, "`size` must be"),
        ({"age": lambda n: n}, {"shares": (1, 0, 0)}, "none for validation, of 20 rows"),
        ({"age": lambda n: n}, {"shares": (1, -1, 1)}, "`shares` must be three numbers"),
        ({"age": lambda n: n, "split": lambda n: "tran"}, {}, "must say train, .*'tran'"),
        ({"age": lambda n: n, "split": lambda n: "train"}, {}, "none for validation"),
        ({"age": lambda n: n, "file": lambda n: "1.png"}, {}, "1.png more than once"),
        ({"age": lambda n: n, "file": lambda n: "a.jpg"}, {}, "`image` must name the column"),
        ({"age": lambda n: "1,5"}, {}, "at most 2 cells a row, .*rows 2, 3, 4, 5, 6 and 15 more"),
        (
            {"age": lambda n: ["old", n][n > 3]},
            {"kinds": {"age": "regression"}},
            "column 'age' must have numbers. Received: old, old",
        ),
    ],
)
def test_refusals(write, columns, options, message):
    path = write(**columns)
    if message is None:
        assert LabelledImages(path).columns["word"].kind == "classification"
        return
    with pytest.raises(ValueError, match=message):
        LabelledImages(path, **options)


def test_words_that_are_no_classes(write):
    lines = write(note=lambda number: f"note {number}").read_text().splitlines()
    more = [f"{number}.png,other {number}" for number in range(ROWS, ROWS + 2)]
    path = write(age=lambda number: number, name="other.csv")
    path.write_text("\n".join([*lines, *more]))
    with pytest.raises(ValueError, match="column 'note' must have fewer classes than half"):
        LabelledImages(path)


def test_coloured_maps_are_refused(write):
    with pytest.raises(ValueError, match="20 of 20 rows .* and this one has 3"):
        LabelledImages(write(mask=lambda number: f"{number}.png"))


def test_pictures_of_several_sizes_need_one(write, folder):
    Image.new("L", (30, 20)).save(folder / "2.png")
    path = write(age=lambda number: number / 2)
    with pytest.raises(ValueError, match=r"2 sizes from \(6, 8\) to \(20, 30\)"):
        LabelledImages(path)
    data = LabelledImages(path, size=(6, 8))
    assert "pictures of 2 sizes are scaled to 6×8 pixels" in data.remarks[0]
    assert data.train[0][:].shape[1:] == (6, 8, 3)


def test_tables_that_are_none(tmp_path):
    path = tmp_path / "labels.csv"
    for text in ("", "file,age\n", "\n\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="it has no rows"):
            LabelledImages(path)
    path.write_text("file,age,age\n1.png,2,3\n")
    with pytest.raises(ValueError, match="columns named twice"):
        LabelledImages(path)
    with pytest.raises(FileNotFoundError):
        LabelledImages(tmp_path / "none.csv")

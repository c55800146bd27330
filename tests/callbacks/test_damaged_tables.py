"""Tables of the callbacks that others have changed: read as far as they are whole, or refused."""

import pytest

from keras_mtl.callbacks import read_alphas, read_compliance, read_policies
from keras_mtl.callbacks._step_table import StepTable

pytestmark = pytest.mark.one_backend

PAIRS = [(a, b) for a in "ab" for b in "ab"]
TABLES = {
    read_alphas: [
        "step,epoch,layer,task,from_task,mean,min,max",
        *(f"{step},{step},u,{a},{b},0.9,0.8,1" for step in range(3) for a, b in PAIRS),
    ],
    read_policies: [
        "step,epoch,task,block,probability,execute_logit,skip_logit",
        *(f"{step},{step},{a},{b},0.5,0.5,0.5" for step in range(3) for a, b in PAIRS),
    ],
    read_compliance: [
        "step,epoch,layer,task,other,compliance,cosine,norm",
        *(f"{step},{step},conv,{a},{b},1,0.5,0.2" for step in range(3) for a, b in PAIRS),
    ],
}


@pytest.fixture(params=TABLES, ids=lambda read: read.__name__)
def read(request):
    return request.param


def test_a_cell_that_is_missing_or_too_many(read, tmp_path):
    header, *rows = TABLES[read]
    path = tmp_path / "table.csv"
    for wrong in (rows[1].rpartition(",")[0], rows[1][2:], f"{rows[1]},1", "0"):
        path.write_text("\n".join([header, rows[0], wrong, *rows[2:], ""]))
        with pytest.raises(ValueError, match=f"`path` must be a whole file .*{path}.*every column"):
            read(path)


def test_units_of_fewer_tasks_than_others_cut_no_step_short(tmp_path):
    header, *rows = TABLES[read_alphas]
    more = [f"{step},{step},v,{a},{b},1,1,1" for step in range(3) for a in "abc" for b in "abc"]
    path = tmp_path / "table.csv"
    for both in (rows + more, more + rows):
        path.write_text("\n".join([header, *sorted(both, key=lambda row: int(row[0])), ""]))
        _, histories = read_alphas(path)
        assert list(histories["v"]) == [0, 1, 2]


def test_a_cell_that_is_no_number(read, tmp_path):
    path = tmp_path / "table.csv"
    for wrong in ("0.5.5", "", "x"):
        text = "\n".join([*TABLES[read], ""])
        path.write_text(text.replace(",1\n", f",{wrong}\n") if read is None else text[:-1])
        number = {read_alphas: ",0.9,", read_policies: ",0.5,0.5,", read_compliance: ",1,0.5,"}
        path.write_text(text.replace(number[read], f",{wrong}," + number[read][-4:-1] + ",", 1))
        with pytest.raises(ValueError, match="`path` must be a whole file of .*table.csv"):
            read(path)


def test_any_damage(read, tmp_path, rng):
    path = tmp_path / "table.csv"
    content = "\n".join([*TABLES[read], ""]).encode()
    for _ in range(100):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=2):
            damaged[place] = rng.choice(list(b',\n"0a\0\xff'))
        path.write_bytes(damaged)
        try:
            read(path)
        except ValueError as error:
            assert str(error).startswith("`path` must be a whole file of `")


def test_the_file_system_has_its_own_errors(read, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read(tmp_path / "absent.csv")
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def test_a_run_does_not_go_on_in_a_damaged_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("step,x\n0,1\nnone,2\n")
    with pytest.raises(ValueError, match=f"`path` must be a whole file .*{path}"):
        StepTable(path, ("step", "x")).start(5)
    assert path.read_text() == "step,x\n0,1\nnone,2\n"

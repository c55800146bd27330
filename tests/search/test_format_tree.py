import pytest

from keras_mtl.search import format_tree

pytestmark = pytest.mark.one_backend

ALL = ["seg", "depth", "normals"]
PAIR = [["seg", "depth"], ["normals"]]
ALONE = [["seg"], ["depth"], ["normals"]]


def test_a_run_of_stages_is_a_line():
    stages = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6"]
    tree = dict(zip(stages, [[ALL], [ALL], [ALL], PAIR, PAIR, ALONE], strict=True))
    assert format_tree(tree).split("\n") == [
        "conv1 … conv3: seg, depth, normals",
        "├─ conv4 … conv5: seg, depth",
        "│  ├─ fc6: seg",
        "│  └─ fc6: depth",
        "└─ conv4 … fc6: normals",
    ]
    as_tuples = {stage: tuple(map(tuple, groups)) for stage, groups in tree.items()}
    assert format_tree(as_tuples) == format_tree(tree)


def test_several_roots_stand_below_the_image():
    assert format_tree({"a": PAIR, "b": ALONE}).split("\n") == [
        "image",
        "├─ a: seg, depth",
        "│  ├─ b: seg",
        "│  └─ b: depth",
        "└─ a … b: normals",
    ]


def test_children_stand_below_their_parent_in_whatever_order_they_come():
    tree = {"a": PAIR, "b": [["normals"], ["depth"], ["seg"]]}
    assert format_tree(tree).split("\n")[1:] == [
        "├─ a: seg, depth",
        "│  ├─ b: depth",
        "│  └─ b: seg",
        "└─ a … b: normals",
    ]


def test_a_tree_that_does_not_branch_is_a_line():
    assert format_tree({"only": [["a", "b"]]}) == "only: a, b"
    assert format_tree({"x": [["a"]], "y": [["a"]]}) == "x … y: a"


def test_a_large_group_is_shortened_only_where_it_branches():
    tasks = [f"attribute_{index}" for index in range(40)]
    tree = {"a": [tasks], "b": [tasks[:6], tasks[6:13], tasks[13:]], "c": [[t] for t in tasks]}
    lines = format_tree(tree).split("\n")
    assert lines[0] == "a: attribute_0, attribute_1, … (40 tasks)"
    assert "├─ b: attribute_6, attribute_7, … (7 tasks)" in lines
    assert "└─ b: attribute_13, attribute_14, … (27 tasks)" in lines
    # Six are few enough, but more than a line of 80 holds.
    six = lines.index("├─ b: attribute_0, attribute_1, attribute_2, attribute_3, attribute_4,")
    assert lines[six + 1] == "│  │ attribute_5"
    assert sum(line.split(": ")[-1] in tasks for line in lines) == 40
    del tree["c"]
    assert not [line for line in format_tree(tree).split("\n")[1:] if "…" in line]
    assert all(len(line) <= 80 for line in format_tree(tree).split("\n"))
    assert all(f"attribute_{index}" in format_tree(tree) for index in range(40))


def test_behind_the_last_stage_nothing_is_known():
    """`Branched` parts the tasks there, if a tower goes on."""
    assert format_tree({"a": [ALL], "b": PAIR}).split("\n") == [
        "a: seg, depth, normals",
        "├─ b: seg, depth",
        "└─ b: normals",
    ]


@pytest.mark.parametrize("tree", [None, {}, [[["a"]]], "tree"])
def test_a_tree_is_a_dict(tree):
    with pytest.raises(ValueError, match="`tree` must be a dict"):
        format_tree(tree)


@pytest.mark.parametrize("partition", [[], "ab", ["ab"], [["a"], []], [[]], None, [1]])
def test_a_partition_is_a_list_of_groups(partition):
    with pytest.raises(ValueError, match="`tree` must have at every stage .* at stage 'y'"):
        format_tree({"x": [["a", "b"]], "y": partition})


@pytest.mark.parametrize(
    "partition", [[["a"]], [["a", "b"], ["b"]], [["a", "b", "b"]], [["a"], ["b"], ["c"]]]
)
def test_every_task_is_in_one_group(partition):
    with pytest.raises(ValueError, match="each of the tasks .*'a', 'b'.* at stage 'y'"):
        format_tree({"x": [["a", "b"]], "y": partition})
    if partition != [["a"]] and len(partition) < 3:
        with pytest.raises(ValueError, match="each of the tasks .*'a', 'b'.* at stage 'x'"):
            format_tree({"x": partition})


def test_tasks_that_parted_stay_apart():
    with pytest.raises(ValueError, match="`tree` must only branch: .* at stage 'y'"):
        format_tree({"x": PAIR, "y": [["seg"], ["depth", "normals"]]})

"""What recipes say of data sets that they cannot read yet."""


def only_rooms(name):
    """Raises SystemExit unless `name` is that of the embedded data set."""
    if name != "rooms":
        raise SystemExit(
            f"--data {name}: this version has no reader of that data set; rooms is built in."
        )

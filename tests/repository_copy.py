"""The repository as git has it, or would add it: no leftovers of builds and runs."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def repository_files():
    """Paths of the files, relative to `ROOT`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def copy_repository(folder, tops=None):
    """Copies the files into a new folder, all of them or those of some folders at the top."""
    for name in repository_files():
        if tops is None or Path(name).parts[0] in tops:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)

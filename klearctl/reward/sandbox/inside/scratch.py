"""The scratch folder of one program where it is a folder on a disk: what it holds, and its end.

What lies in it was made by a program that may mean harm: folders deep within folders, without any permission, with
names that lead elsewhere. So nothing here follows a link or builds a path from such names.
"""

import contextlib
import os
import stat

_DEEPEST = 64  # folders within folders; no honest program nests deeper
_OURS = 0o700


def use(folder: str, *, at_most: int) -> tuple[int, int]:
    """How many files and folders it holds, and the bytes they take; beyond `at_most` files it stops to count."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        return _use(fd, at_most, depth=0)
    finally:
        os.close(fd)


def _use(fd: int, at_most: int, *, depth: int) -> tuple[int, int]:
    if depth > _DEEPEST:
        return at_most + 1, 0
    files = taken = 0
    with os.scandir(fd) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # gone meanwhile, or a folder that nobody may read
                status = entry.stat(follow_symlinks=False)
                files, taken = files + 1, taken + status.st_blocks * 512
                if stat.S_ISDIR(status.st_mode):
                    inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                    try:
                        more, bytes_more = _use(inner, at_most - files, depth=depth + 1)
                    finally:
                        os.close(inner)
                    files, taken = files + more, taken + bytes_more
            if files > at_most:
                break
    return files, taken


def remove(folder: str) -> None:
    """Removes it with all that it holds; nobody may be at work in it.

    Each folder in it is moved to a place where its name is a number, and emptied there: so the depth does not matter.

    Raises:
        OSError: something in it cannot be removed.
    """
    try:
        os.rmdir(folder)
        return
    except OSError:  # it is not empty
        pass
    grave = folder + ".gone"
    os.mkdir(grave, _OURS)
    top = os.open(grave, os.O_RDONLY | os.O_DIRECTORY)
    os.rename(folder, "0", dst_dir_fd=top)
    made, emptied = 1, 0
    while emptied < made:
        fd = os.open(str(emptied), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        for name in os.listdir(fd):
            if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                os.chmod(name, _OURS, dir_fd=fd)  # to move a folder is to write to it: its `..` changes
                os.rename(name, str(made), src_dir_fd=fd, dst_dir_fd=top)
                made += 1
            else:
                os.unlink(name, dir_fd=fd)
        os.close(fd)
        os.rmdir(str(emptied), dir_fd=top)
        emptied += 1
    os.close(top)
    os.rmdir(grave)

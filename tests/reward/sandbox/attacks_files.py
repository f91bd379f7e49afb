"""Attacks on files: what may not be read, and what may not be written."""

from tests.reward.sandbox.attacks import ERROR, WRONG, Attack

READ = [
    Attack("a file that every user may read", ERROR, 'print(open(WORLD["secret"]).read())'),
    Attack("the same by a symlink", ERROR, 'os.symlink(WORLD["secret"], "link"); print(open("link").read())'),
    Attack("the same by a hard link", ERROR, 'os.link(WORLD["secret"], "link"); print(open("link").read())'),
    Attack(
        "the same by a symlink to its folder",
        ERROR,
        """
os.symlink(os.path.dirname(WORLD["secret"]), "in"); print(open("in/secret").read())
""",
    ),
    Attack(
        "the same from the folder of any descriptor",
        WRONG,
        """
up = "../" * 30 + WORLD["secret"]
won(*(works(os.open, up, os.O_RDONLY, dir_fd=fd) for fd in range(256)), works(os.open, up, os.O_RDONLY))
""",
    ),
    Attack("the account file of the machine", ERROR, 'open("/etc/passwd")'),
    Attack("the folder of the tests", ERROR, 'os.listdir(WORLD["tests"])'),
    Attack(
        "the environment, memory and descriptors of others",
        WRONG,
        """
pids = {1, os.getppid(), WORLD["client"], WORLD["server"]}
names = ("environ", "mem", "maps", "cmdline", "fd", "root", "cwd", "task", "status", "stack")
won(*(works(os.open, f"/proc/{pid}/{name}", os.O_RDONLY) for pid in pids for name in names),
    *(works(os.listdir, f"/proc/{pid}/fd") for pid in pids))
""",
    ),
    Attack(
        "its own memory as a file",
        WRONG,
        'won(works(open, "/proc/self/mem", "rb"), works(open, f"/proc/{os.getpid()}/mem", "rb"))',
    ),
    Attack("the environment", WRONG, 'won(set(os.environ) - {"HOME", "LANG", "PYTHONHASHSEED", "TMPDIR"})'),
    Attack(
        "descriptors that were left open",
        WRONG,
        """
def gives(fd):
    try:
        return os.fstat(fd) and (os.read(fd, 1) is not None or True)
    except OSError:
        return False
won(*map(gives, range(4, 256)), *(works(os.listdir, fd) for fd in range(4, 256)))
""",
    ),
]

WRITE = [
    Attack("a file outside", ERROR, 'open(WORLD["folder"] + "/made", "w")'),
    Attack(
        "a file in the usual places",
        WRONG,
        """
places = ["/", "/tmp/..", "/var/tmp", "/dev/shm", "/dev", "/run", "/etc", sys.prefix, WORLD["folder"]]
places.append(os.path.dirname(os.__file__))
won(*(works(open, f"{place}/klear-made", "w") for place in places))
won(*(works(os.mkdir, f"{place}/klear-made") for place in places))
""",
    ),
    Attack(
        "a file of its own user outside",
        WRONG,
        """
own = WORLD["own"]
os.unlink(own)  # says that it is done
won(works(open, own, "a"), works(open, own, "r+"), works(os.truncate, own, 0),
    works(os.rename, own, "x"), works(os.link, own, "y"), works(os.open, own, os.O_RDONLY | os.O_TRUNC))
""",
    ),
    Attack(
        "the mode, owner, times and attributes of a file of its own user",
        WRONG,
        """
own, user = WORLD["own"], os.getuid()
won(works(os.chmod, own, 0o777), works(os.chown, own, user, user), works(os.utime, own), works(os.utime, own, (1, 1)),
    works(os.setxattr, own, "user.x", b"x"))
""",
    ),
    Attack(
        "the interpreter",
        WRONG,
        """
file = os.__file__
fd = os.open(file, os.O_RDONLY)
won(works(open, file, "a"), works(os.truncate, file, 0), works(os.open, file, os.O_RDONLY | os.O_TRUNC),
    works(os.chmod, file, 0o777), works(os.fchmod, fd, 0o777), works(os.utime, fd), works(os.ftruncate, fd, 0),
    works(os.rename, file, "here"), works(os.link, file, "here"))
""",
    ),
    Attack(
        "devices",
        WRONG,
        """
names = ("mem", "kmsg", "tty", "ptmx", "zero", "full", "fuse", "net/tun", "kvm", "loop-control", "vda", "sda")
won(*(works(os.open, f"/dev/{name}", os.O_RDONLY) for name in names),
    works(os.mknod, "x", 0o600 | 0o020000, os.makedev(1, 1)))
""",
    ),
]

FILES = [*READ, *WRITE]

"""Attacks on the limits: time, processes, memory, output, files."""

from tests.reward.sandbox.attacks import ERROR, MEMORY, OUTPUT, TIME, WRONG, Attack

_SOON = {"cpu_s": 0.4}  # it burns
_LATE = {"wall_s": 0.5}  # it waits
_SMALL = {"memory_mb": 128}

TIME_ATTACKS = [
    Attack("an infinite loop", TIME, "while True: pass", _SOON),
    Attack("a sleep", TIME, "time.sleep(60)", _LATE),
    Attack(
        "a sleep that no signal wakes",
        TIME,
        """
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(60)
""",
        _LATE,
    ),
    Attack(
        "a timer of its own that rings for ever",
        TIME,
        """
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while True: signal.pause()
""",
        _LATE,
    ),
    Attack("SIGSTOP of itself", TIME, "os.kill(os.getpid(), signal.SIGSTOP)", _LATE),
    Attack("an exit that does not end", TIME, "import atexit; atexit.register(time.sleep, 60)", _LATE),
    Attack(
        "a thread that does not end",
        TIME,
        "import threading; threading.Thread(target=time.sleep, args=(60,)).start()",
        _LATE,
    ),
    Attack(
        "busy threads",
        TIME,
        "import threading\nfor _ in range(8): threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
        _SOON,
    ),
    Attack(
        "busy children", TIME, "for _ in range(8):\n    if not os.fork():\n        while True: pass\nos.wait()", _SOON
    ),
    Attack(
        "children that work a little each, and end unseen",
        TIME,
        """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if not os.fork():
        sum(range(100_000))
        os._exit(0)
""",
        {"cpu_s": 0.4, "wall_s": 0.8},
    ),
    Attack("a regular expression that explodes", TIME, 'import re; re.match("(a+)+b", "a" * 40)', _SOON),
    Attack("a giant power", TIME, "10 ** 10 ** 9", _SOON),
]

MEMORY_ATTACKS = [
    Attack("a fork bomb", ERROR, "while True: os.fork()", {"cpu_s": 5}),
    Attack("a fork bomb that tries again", TIME, "while True: works(os.fork)", _SOON),
    Attack(
        "a thread bomb",
        ERROR,
        "import threading\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    Attack("a memory bomb", MEMORY, "held = []\nwhile True: held.append(bytearray(1 << 20))", _SMALL),
    Attack(
        "a memory bomb that catches",
        TIME,
        """
held = []
while True:
    try: held.append(bytearray(1 << 20))
    except MemoryError: pass
""",
        _SMALL | _SOON,
    ),
    Attack(
        "a memory bomb spread over children",
        MEMORY,
        """
for _ in range(16):
    if not os.fork():
        held = b"x" * (32 << 20)
        time.sleep(60)
time.sleep(60)
""",
        _SMALL | {"cpu_s": 5},
    ),
    Attack("memory of the kernel, in sockets", ERROR, "held = []\nwhile True: held.append(socket.socketpair())"),
    Attack("memory that no process shows", ERROR, "import mmap; mmap.mmap(-1, 32 << 20)", _SMALL),
]

OUTPUT_ATTACKS = [
    Attack("a flood of stdout", OUTPUT, 'while True: print("x" * 1000)'),
    Attack("a flood of stderr", OUTPUT, 'while True: sys.stderr.write("x" * 1000)'),
    Attack("a flood on the answer channel", OUTPUT, 'while True: os.write(3, b"x" * 1000)'),
    Attack("a frame that says it is endless", OUTPUT, 'os.write(3, b"\\xff" * 4); won(False)'),
    Attack("a flood by a child", OUTPUT, 'if not os.fork():\n    while True: os.write(1, b"x" * 1000)\nos.wait()'),
]

FILE_ATTACKS = [
    Attack(
        "the disk filled",
        OUTPUT,
        'with open("big", "wb") as file:\n    while True: file.write(bytes(1 << 20))',
        {"scratch_mb": 4},
    ),
    Attack(
        "the disk filled by many files",
        OUTPUT,
        """
for number in range(100):
    with open(str(number), "wb") as file: file.write(bytes(1 << 19))
time.sleep(60)
""",
        {"scratch_mb": 4},
    ),
    Attack(
        "the disk filled by files that have lost their names",
        OUTPUT,
        """
held = []
for number in range(100):
    held.append(open(str(number), "wb", buffering=0))
    os.unlink(str(number))
    held[-1].write(bytes(1 << 19))
time.sleep(60)
""",
        {"scratch_mb": 4},
    ),
    Attack("the disk filled by a file without a name", ERROR, "os.open('.', os.O_TMPFILE | os.O_RDWR)"),
    Attack("the disk reserved", ERROR, "os.posix_fallocate(os.open('x', os.O_CREAT | os.O_RDWR), 0, 1 << 30)"),
    Attack(
        "the inodes used up",
        OUTPUT,
        'for number in range(10_000): open(str(number), "x").close()\ntime.sleep(60)',
        {"scratch_files": 200},
    ),
    Attack(
        "folders as deep as they go",
        OUTPUT,
        'for _ in range(10_000):\n    os.mkdir("x"); os.chdir("x")\ntime.sleep(60)',
        {"scratch_files": 200},
    ),
    Attack(
        "folders that nobody may open, left behind",
        WRONG,
        """
for number in range(50):
    os.mkdir(str(number))
    os.mkdir(f"{number}/within", 0)
    os.symlink("/etc", f"{number}/link")
    os.mkdir(f"{number}.gone")
won(False)
""",
    ),
]
LIMITS = [*TIME_ATTACKS, *MEMORY_ATTACKS, *OUTPUT_ATTACKS, *FILE_ATTACKS]

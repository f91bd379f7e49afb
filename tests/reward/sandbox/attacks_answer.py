"""Attacks on the judgement: exits, forged answers, patched parts, what is left behind for the next program."""

from tests.reward.sandbox.attacks import COMPILE, ERROR, OUTPUT, TIME, WRONG, Attack

EXITS = [
    Attack("sys.exit(0)", WRONG, "sys.exit(0)"),
    Attack("os._exit(0)", WRONG, "os._exit(0)"),
    Attack("an exit code of nothing but a multiple of 256", WRONG, "os._exit(256)"),
    Attack("an exit in the hook of an exception", WRONG, "sys.excepthook = lambda *_: os._exit(0)\n1 / 0"),
    Attack("SystemExit in a finally", WRONG, "try:\n    1 / 0\nfinally:\n    raise SystemExit(0)"),
    Attack("an exit at exit", ERROR, "import atexit; atexit.register(os._exit, 3)"),
    Attack("SIGKILL of itself", ERROR, "os.kill(os.getpid(), signal.SIGKILL)"),
    Attack(
        "SIGKILL of its children",
        WRONG,
        """
child = os.fork()
if not child: time.sleep(60)
won(works(os.kill, child, signal.SIGKILL))
""",
    ),
    Attack("a null pointer", ERROR, "import ctypes; ctypes.string_at(0)"),
    Attack(
        "recursion without end, in C",
        ERROR,
        """
import resource
resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
sys.setrecursionlimit(10**9)
def f(): return list(map(lambda _: f(), [0]))
f()
""",
    ),
    Attack("abort", ERROR, "os.abort()"),
]

FORGED = [
    Attack(
        "frames on every descriptor",
        WRONG,
        """
for word in (b"compiled", b"memory_error", b"compile_error\\n", b'{"n": 0, "value": 1}'):
    for fd in range(256):
        works(os.write, fd, len(word).to_bytes(4, "little") + word)
""",
    ),
    Attack(
        "words of the server on every descriptor",
        OUTPUT,  # the first four bytes on the channel say how long the frame is
        """
for fd in range(256):
    works(os.write, fd, b'{"how": "exited", "status": 0, "cpu_s": 0, "fault": null}')
    works(os.write, fd, b"ended 0\\n")
""",
    ),
    Attack("its descriptors closed", WRONG, "os.closerange(0, 1 << 20); os._exit(0)"),
    Attack("stdout closed, and printed to", ERROR, "os.close(1); print('x')"),
    Attack("stdin, stdout and stderr swapped", WRONG, "os.dup2(1, 0); os.dup2(0, 2); os.dup2(2, 1); won(False)"),
    Attack("the channel in place of stdout", OUTPUT, "os.dup2(3, 1); won(False)"),
    Attack(
        "stdout opened again by its name",
        WRONG,
        'won(works(open, "/proc/self/fd/1", "w"), works(open, "/dev/stdout", "w"))',
    ),
]

PATCHED = [
    Attack(
        "builtins patched",
        WRONG,
        """
import builtins
builtins.print = builtins.len = builtins.isinstance = builtins.open = lambda *_, **__: True
sys.stdout = None
""",
    ),
    Attack(
        "the driver patched",
        WRONG,
        """
os._exit = lambda code: None
for module in list(sys.modules.values()):
    for name in ("send", "receive", "run", "main", "COMPILED"):
        try: setattr(module, name, lambda *_, **__: b"compiled")
        except (AttributeError, TypeError): pass
""",
    ),
    Attack(
        "the loop of the server, entered from within",
        OUTPUT,  # it says that it is ready, on the channel of frames
        """
from inside import server
os.dup2(0, 9)
sys.argv = ["x", '{"control": 3, "user": null, "sites": [], "libraries": [], "folder": null}']
for call in (server.main, lambda: server.Server({}, None).serve()):
    try: call()
    except BaseException: pass
""",
    ),
    Attack(
        "the frames of its callers",
        WRONG,
        """
import gc
frame = sys._getframe()
while frame.f_back: frame = frame.f_back
held = [each for each in gc.get_objects() if isinstance(each, socket.socket)]
won(*(works(each.send, b'{"how": "exited"}') for each in held), "control" in frame.f_locals and not held)
""",
    ),
    Attack("a limit of recursion of nothing", ERROR, "sys.setrecursionlimit(1)"),
    Attack("null bytes in the source", COMPILE, "\0"),
    Attack("brackets as deep as they go", COMPILE, "(" * 100_000),
    Attack("a source that is no text", COMPILE, "# coding: rot13\nx = ("),
]

LEFT = [
    Attack(
        "a module of its own that shadows json",
        WRONG,
        """
with open("json.py", "w") as file: file.write("print('the answer')")
sys.modules.pop("json")
import json
""",
    ),
    Attack(
        "a file in every folder that it may write to",
        WRONG,
        """
for place in (".", os.environ["TMPDIR"], os.environ["HOME"], "/tmp", "/dev/shm", "/var/tmp", "/"):
    works(open, f"{place}/left", "w"), works(open, f"{place}/json.py", "w")
""",
    ),
    Attack(
        "a process that leaves its session, twice forked",
        ERROR,
        """
if not os.fork():
    os.setsid()
os.wait()
if not os.fork():
    if not os.fork(): time.sleep(60)
    os._exit(0)
os.wait()
os.setsid()
""",
    ),
    Attack(
        "a daemon that holds the pipes",
        WRONG,
        """
if not os.fork():
    if not os.fork(): time.sleep(60)
os._exit(0)
""",
    ),
    Attack(
        "a daemon that forks as fast as it can",
        WRONG,
        """
if not os.fork():
    while True:
        works(os.fork)
os._exit(0)
""",
    ),
    Attack(
        "a daemon that is stopped",
        WRONG,
        """
if not os.fork(): os.kill(os.getpid(), signal.SIGSTOP)
os._exit(0)
""",
    ),
    Attack(
        "threads left behind",
        WRONG,
        """
import threading
for _ in range(8): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
""",
    ),
    Attack(
        "a child made with vfork that waits for ever",
        TIME,
        "syscall('vfork' if 'vfork' in NUMBERS else 'clone', 0x4111); time.sleep(60)",
        {"wall_s": 0.5},
    ),
]

JUDGEMENT = [*EXITS, *FORGED, *PATCHED, *LEFT]

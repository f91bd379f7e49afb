"""Attacks on the network and on other processes."""

from tests.reward.sandbox.attacks import ERROR, WRONG, Attack

NETWORK = [
    Attack("IPv4", ERROR, 'socket.create_connection(("127.0.0.1", WORLD["tcp4"]), 2).sendall(b"out")'),
    Attack("IPv6", ERROR, 'socket.create_connection(("::1", WORLD["tcp6"]), 2).sendall(b"out")'),
    Attack(
        "UDP", ERROR, 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", WORLD["udp"]))'
    ),
    Attack("a unix socket", ERROR, 'socket.socket(socket.AF_UNIX).connect(WORLD["unix"])'),
    Attack("an abstract unix socket", ERROR, 'socket.socket(socket.AF_UNIX).connect("\\0" + WORLD["abstract"])'),
    Attack(
        "a pair of datagram sockets that names another peer",
        ERROR,
        """
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.sendto(b"out", "\\0" + WORLD["datagrams"])
""",
    ),
    Attack(
        "a pair of streams that names another peer",
        WRONG,
        """
one, other = socket.socketpair()
name = "\\0" + WORLD["datagrams"]
won(works(one.sendto, b"out", name), works(one.connect, name), works(one.bind, name), works(one.listen),
    works(one.sendmsg, [b"out"], [], 0, name), works(one.setsockopt, socket.SOL_SOCKET, socket.SO_DEBUG, 1))
""",
    ),
    Attack(
        "descriptors over the channel",
        ERROR,
        """
import array
channel = socket.socket(fileno=3)
channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
""",
    ),
    Attack("a name that is looked up", ERROR, 'socket.getaddrinfo("example.com", 80)'),
]

OTHERS = [
    Attack("SIGKILL to its parent", ERROR, "os.kill(os.getppid(), signal.SIGKILL)"),
    Attack(
        "SIGKILL to the server and its client",
        WRONG,
        'won(*(works(os.kill, WORLD[name], signal.SIGKILL) for name in ("server", "client", "victim")))',
    ),
    Attack("SIGKILL to all it may", ERROR, "os.kill(-1, signal.SIGKILL)"),
    Attack(
        "SIGKILL to groups",
        WRONG,
        "won(*(works(os.killpg, group, signal.SIGKILL) for group in (WORLD['server'], WORLD['victim'], 0)))",
    ),
    Attack(
        "signals by other calls",
        WRONG,
        """
victim = WORLD["victim"]
won(works(syscall, "tkill", victim, 9), works(syscall, "tgkill", victim, victim, 9),
    works(syscall, "rt_sigqueueinfo", victim, 9, bytes(128)), works(syscall, "pidfd_open", victim, 0),
    works(syscall, "rt_tgsigqueueinfo", victim, victim, 9, bytes(128)))
""",
    ),
    Attack(
        "a signal by way of a pipe's owner",
        WRONG,
        """
import fcntl
read, _ = os.pipe()
won(works(fcntl.fcntl, read, fcntl.F_SETOWN, WORLD["victim"]), works(fcntl.fcntl, read, fcntl.F_SETSIG, 9),
    works(fcntl.ioctl, read, 0x8901, (WORLD["victim"]).to_bytes(4, "little")))
""",
    ),
    Attack(
        "the priority and limits of others",
        WRONG,
        """
import resource
victim = WORLD["victim"]
won(works(os.setpriority, os.PRIO_PROCESS, victim, 19), works(os.setpriority, os.PRIO_USER, os.getuid(), 19),
    works(resource.prlimit, victim, resource.RLIMIT_CPU, (1, 1)), works(os.sched_setaffinity, victim, [0]),
    works(os.sched_setscheduler, victim, os.SCHED_BATCH, os.sched_param(0)))
""",
    ),
    Attack(
        "its own limits raised",
        WRONG,
        """
import resource
ways = []
for name in ("AS", "NPROC", "FSIZE", "CPU", "NOFILE", "CORE", "MEMLOCK"):
    try:
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        ways.append(True)
    except (ValueError, OSError):
        pass
won(*ways)
""",
    ),
    Attack(
        "to become root",
        WRONG,
        "won(works(os.setuid, 0), works(os.setgid, 0), works(os.setgroups, [0]), os.getuid() == 0)",
    ),
    Attack(
        "to start another program",
        ERROR,
        "import subprocess; subprocess.run([sys.executable, '-c', 'print(1)'], check=True)",
    ),
    Attack("to start a shell", WRONG, 'won(os.system("true") == 0, works(os.execv, "/bin/sh", ["sh"]))'),
    Attack(
        "to leave its session and its group",
        WRONG,
        "won(works(os.setsid), works(os.setpgid, 0, 0), works(os.setpgid, 0, os.getppid()))",
    ),
]

OUTSIDE = [*NETWORK, *OTHERS]

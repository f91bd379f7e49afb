"""Attacks by system calls that no solution makes."""

from tests.reward.sandbox.attacks import VIOLATION, WRONG, Attack

_KILLED = {
    "ptrace": "16, WORLD['victim'], 0, 0",
    "process_vm_readv": "WORLD['victim'], 0, 0, 0, 0, 0",
    "process_vm_writev": "WORLD['victim'], 0, 0, 0, 0, 0",
    "mount": "b'none', b'/tmp', b'tmpfs', 0, 0",
    "umount2": "b'/proc', 2",
    "pivot_root": "b'.', b'.'",
    "unshare": "0x10000000",
    "setns": "0, 0",
    "bpf": "0, 0, 0",
    "perf_event_open": "0, 0, -1, -1, 0",
    "keyctl": "0, -3, 1",
    "add_key": "b'user', b'x', b'x', 1, -3",
    "init_module": "0, 0, b''",
    "kexec_load": "0, 0, 0, 0",
    "open_by_handle_at": "0, 0, 0",
    "open_tree": "-100, b'/', 1",
    "clone": "0x10000000 | 17, 0, 0, 0, 0",
}
_REFUSED = {
    "io_uring_setup": "1, bytes(120)",
    "userfaultfd": "0",
    "memfd_create": "b'x', 0",
    "inotify_init1": "0",
    "shmget": "0, 4096, 0o1600",
    "msgget": "0, 0o1600",
    "semget": "0, 1, 0o1600",
    "personality": "0x0040000",
    "chroot": "b'.'",
    "execveat": "-100, b'/bin/sh', 0, 0, 0",
    "mlock": "0, 4096",
    "seccomp": "1, 0, 0",
    "kcmp": "1, 1, 0, 0, 0",
}
KERNEL = [
    *(
        Attack(f"the system call {name}", VIOLATION, f'syscall("{name}", {words}); won(True)')
        for name, words in _KILLED.items()
    ),
    *(
        Attack(f"the system call {name}", WRONG, f'won(works(syscall, "{name}", {words}))')
        for name, words in _REFUSED.items()
    ),
    Attack(
        "system calls that have no name here",
        WRONG,
        """
NUMBERS |= {str(number): number for number in (444, 445, 446, 600, 1000)}
won(*(works(syscall, str(number), 0, 0, 0, 0) for number in (444, 445, 446, 600, 1000)))
""",
    ),
    Attack(
        "the system calls of another ABI",
        VIOLATION,
        """
import ctypes, mmap, platform
code = {"x86_64": b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3", "aarch64": None}[platform.machine()]  # getpid of i386
if code is None:
    syscall("ptrace", 0, 0, 0, 0)  # this machine has no other
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
won(True)
""",
    ),
]

"""Which system calls a program may make: their names and numbers here, as a verdict on each, on x86_64 and aarch64.

A call that is not named does not exist for it (ENOSYS), so a newer kernel offers it nothing new. The numbers are those
of the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; `-` where there is none.
"""

# What a computation needs, and what touches only files: those are confined by mounts or by Landlock.
ALLOWED = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70,
preadv2 327 286, pwritev2 328 287, close 3 57, close_range 436 436, lseek 8 62, dup 32 23, dup2 33 -, dup3 292 24,
pipe 22 -, pipe2 293 59, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -,
epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, eventfd 284 -,
eventfd2 290 19, timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87, signalfd 282 -,
signalfd4 289 74, sendfile 40 71, copy_file_range 326 285, creat 85 -, stat 4 -, fstat 5 80, lstat 6 -,
newfstatat 262 79, statx 332 291, access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78,
getcwd 79 17, chdir 80 49, fchdir 81 50, mkdir 83 -, mkdirat 258 34, link 86 -, linkat 265 37, symlink 88 -,
symlinkat 266 36, getdents 78 -, getdents64 217 61, ftruncate 77 46, umask 95 166, statfs 137 43, fstatfs 138 44,
fadvise64 221 223, munmap 11 215, mremap 25 216, mprotect 10 226, brk 12 214, madvise 28 233, msync 26 227,
mincore 27 232, membarrier 324 283, fork 57 -, vfork 58 -, exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95,
getpid 39 172, getppid 110 173, gettid 186 178, getpgid 121 155, getpgrp 111 -, getsid 124 156,
set_tid_address 218 96, set_robust_list 273 99, rseq 334 293, getuid 102 174, geteuid 107 175, getgid 104 176,
getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, capget 125 90, sched_yield 24 124,
sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120, sched_get_priority_max 146 125,
sched_get_priority_min 147 126, sched_rr_get_interval 148 127, getpriority 140 141, getcpu 309 168, getrusage 98 165,
times 100 153, sysinfo 99 179, uname 63 160, getrandom 318 278, getrlimit 97 163, setrlimit 160 164,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137,
rt_sigsuspend 130 133, sigaltstack 131 132, pause 34 -, restart_syscall 219 128, alarm 37 -, setitimer 38 103,
getitimer 36 102, timer_create 222 107, timer_settime 223 110, timer_gettime 224 108, timer_getoverrun 225 109,
timer_delete 226 111, nanosleep 35 101, clock_nanosleep 230 115, clock_gettime 228 113, clock_getres 229 114,
gettimeofday 96 169, time 201 -, futex 202 98, recvfrom 45 207, getsockopt 55 209, getsockname 51 204,
getpeername 52 205, shutdown 48 210
"""

# Allowed with some arguments: see seccomp.py.
CHECKED = """
open 2 -, openat 257 56, mmap 9 222, clone 56 220, fcntl 72 25, ioctl 16 29, prctl 157 167, prlimit64 302 261,
kill 62 129, tkill 200 130, tgkill 234 131, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, socketpair 53 199,
sendto 44 206, sched_setaffinity 203 122
"""

# Refused with EPERM; the program goes on. Among them all that Landlock's first version does not see: chmod, utime,
# truncate, sockets, and ways to reach other processes of one user.
REFUSED = """
fallocate 285 47, flock 73 32, rename 82 -, renameat 264 38, renameat2 316 276, socket 41 198, connect 42 203,
bind 49 200, listen 50 201, accept 43 202, accept4 288 242, sendmsg 46 211, sendmmsg 307 269, recvmsg 47 212,
recvmmsg 299 243, setsockopt 54 208, setsid 112 157, setpgid 109 154, execve 59 221, execveat 322 281, truncate 76 45,
chmod 90 -, fchmod 91 52, fchmodat 268 53, chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54, utime 132 -,
utimes 235 -, futimesat 261 -, utimensat 280 88, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14,
lremovexattr 198 15, fremovexattr 199 16, mknod 133 -, mknodat 259 33, chroot 161 51, io_uring_setup 425 425,
io_uring_enter 426 426, io_uring_register 427 427, userfaultfd 323 282, memfd_create 319 279, memfd_secret 447 447,
pidfd_open 434 434, pidfd_send_signal 424 424, kcmp 312 272, setpriority 141 140, sched_setparam 142 118,
sched_setscheduler 144 119, sched_setattr 314 274, inotify_init 253 -, inotify_init1 294 26, fanotify_init 300 262,
setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149,
setgroups 116 159, capset 126 91, seccomp 317 277, shmget 29 194, semget 64 190, msgget 68 186, mq_open 240 180,
personality 135 92, mlock 149 228, mlock2 325 284, mlockall 151 230
"""

# Answered as done, and not done. What a program makes goes with it, so nothing need reach a disk; and a file that has
# lost its name while it is open can be counted by nobody, so a file once made stays until the program ends.
PRETENDED = """
fsync 74 82, fdatasync 75 83, unlink 87 -, unlinkat 263 35, rmdir 84 -
"""

# Nothing that solves a problem calls these: the program ends.
ENDING = """
ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, mount 165 40, umount2 166 39, pivot_root 155 41,
open_tree 428 428, move_mount 429 429, fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433,
mount_setattr 442 442, unshare 272 97, setns 308 268, bpf 321 280, perf_event_open 298 241, keyctl 250 219,
add_key 248 217, request_key 249 218, init_module 175 105, finit_module 313 273, delete_module 176 106,
kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225,
open_by_handle_at 304 265, pidfd_getfd 438 438
"""

_MACHINES = ("x86_64", "aarch64")


def numbers(table: str, machine: str) -> dict[str, int]:
    """The calls of one table as they are numbered on the machine."""
    column = 1 + _MACHINES.index(machine)
    rows = (row.split() for row in table.replace("\n", " ").split(","))
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}

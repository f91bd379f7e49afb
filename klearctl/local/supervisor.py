"""The process that runs one workload: `python -m klearctl.local.supervisor --kind K --name N --home H ...`.

It does what the JobSet controller, the Job controller and the node would do, until the workload has ended or is
suspended. It waits for the end of a child, for a change of its object, or for a moment; it never polls.
It holds a lock that it inherits: who finds the lock free knows that the supervisor is gone.
"""

import argparse
import base64
import os
import selectors
import signal
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from klearctl.errors import KlearError
from klearctl.local.changes import Changes
from klearctl.local.controllers.children import child_jobs
from klearctl.local.controllers.job import defaulted
from klearctl.local.node import process
from klearctl.local.node.addresses import assign, reserve
from klearctl.local.node.kubelet import Node
from klearctl.local.node.rewrite import host_names
from klearctl.local.objects import BLOCK, WORKLOADS, Object, name_of
from klearctl.local.store import Store
from klearctl.local.workload import Workload

S3_SECRET = "klear-s3"  # answered by the embedded S3 server unless such a Secret was applied


def main(words: list[str]) -> int:
    """Run one workload. Says `ready` on a file descriptor once it runs, or why it cannot."""
    parser = argparse.ArgumentParser(prog="klearctl.local.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--kind", choices=WORKLOADS, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--lock", type=int, required=True, help="file descriptor of the lock that is held for life")
    parser.add_argument("--ready", type=int, required=True, help="file descriptor that is told")
    chosen = parser.parse_args(words)
    os.set_inheritable(chosen.lock, False)
    os.set_inheritable(chosen.ready, False)
    with ExitStack() as stack, os.fdopen(chosen.ready, "w", encoding="utf-8") as ready:
        try:
            supervisor = Supervisor(chosen.home, chosen.kind, chosen.name, chosen.lock, stack)
            supervisor.settle()
        except KlearError as error:
            ready.write(f"{error}\n{error.fix}")
            return error.exit_code
        ready.write("ready")
        ready.close()
        supervisor.run()
    return 0


class Supervisor:
    """One workload and the events that move it on."""

    def __init__(self, home: Path, kind: str, name: str, lock: int, stack: ExitStack) -> None:
        self._lock = lock
        self._store = Store(home)
        self._workload = Workload(self._store, kind, name)
        self._secret = self._start_s3(home, stack)
        process.adopt_orphans()
        self._own, hosts = self._addresses(stack)
        self._node = Node(self._store.root, hosts=hosts, addresses=list(self._own.values()), lookup=self._lookup)
        self._changes = stack.enter_context(Changes(self._store.folder(kind)))
        self._child_ended, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        self._wake_at: float | None = None

    def settle(self) -> None:
        """Do what is due now."""
        self._wake_at = self._workload.settle(self._node, self._own, process.collect())

    def run(self) -> None:
        """Go on until nothing is left to do."""
        selector = selectors.DefaultSelector()
        selector.register(self._child_ended, selectors.EVENT_READ)
        selector.register(self._changes, selectors.EVENT_READ)
        while not self._leave():
            timeout = None if self._wake_at is None else max(0.0, self._wake_at - time.time())
            for key, _ in selector.select(timeout):
                if key.fileobj is self._changes:
                    self._changes.drain()
                else:
                    os.read(self._child_ended, 4096)
            self.settle()

    def _leave(self) -> bool:
        """Give up the lock if all is done, while nobody can write: a wish to go on comes before, or finds it free."""
        with self._store.lock():
            root = self._workload.root
            latest = self._store.get(root["kind"], name_of(root))
            if not self._workload.is_settled() or (latest is not None and latest != root):
                return False
            os.close(self._lock)
            self._holder.close()
            return True

    def _start_s3(self, home: Path, stack: ExitStack) -> Object | None:
        """The Secret of the embedded S3 server, which runs as long as this process, if a pod needs it."""
        if not _names_secret(self._workload.root) or self._store.get("Secret", S3_SECRET):
            return None
        from klearctl.local.s3 import server as s3

        env = stack.enter_context(s3.use(home))
        return {"kind": "Secret", "data": {key: base64.b64encode(text.encode()).decode() for key, text in env.items()}}

    def _lookup(self, kind: str, name: str) -> Object | None:
        found = self._store.get(kind, name)
        return self._secret if found is None and (kind, name) == ("Secret", S3_SECRET) else found

    def _addresses(self, stack: ExitStack) -> tuple[dict[str, str], dict[str, str]]:
        """The address of each pod's host name, and of every way to write it in DNS. The block is kept for a resume."""
        root = self._workload.root
        known = (root["metadata"].get("annotations") or {}).get(BLOCK)
        block, self._holder = reserve(root["metadata"]["uid"], None if known is None else int(known))
        stack.enter_context(closing(self._holder))
        self._workload.root = self._store.update(root["kind"], name_of(root), lambda old: _noted(old, block)) or root
        pods = _pods(root)
        own = assign([host for host, _ in pods], block)
        namespace = root["metadata"].get("namespace", "default")
        names = {full: own[host] for host, sub in pods if sub for full in host_names(host, sub, namespace)}
        return own, names


def _pods(root: Object) -> list[tuple[str, str]]:
    """Host name and subdomain of every pod that the workload can have."""
    jobs = child_jobs(root, attempt=0) if root["kind"] == "JobSet" else [root]
    return [
        (f"{name_of(job)}-{index}", job["spec"]["template"]["spec"].get("subdomain", ""))
        for job in jobs
        for index in range(defaulted(job["spec"])["completions"])
    ]


def _names_secret(value: object) -> bool:
    """Whether a part of a manifest refers to the Secret of the S3 server."""
    if isinstance(value, dict):
        ref = value.get("secretKeyRef") or value.get("secret")
        named = isinstance(ref, dict) and S3_SECRET in (ref.get("name"), ref.get("secretName"))
        return named or any(_names_secret(item) for item in value.values())
    return isinstance(value, list) and any(_names_secret(item) for item in value)


def _noted(root: Object, block: int) -> Object:
    notes = (root["metadata"].get("annotations") or {}) | {BLOCK: str(block)}
    return root | {"metadata": root["metadata"] | {"annotations": notes}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

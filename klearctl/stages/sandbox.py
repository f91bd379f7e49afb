"""The server of a sandbox pod, and how a trainer reaches it: config in, verdicts out, until it is told to stop.

    python -m klearctl.stages.sandbox --config /etc/klear/config.json --host 10.1.2.3 --port 8080

It listens once the sandbox has confined and judged a first program. It never exits 0: its Job would count it as done.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from klearctl.config.common import IsolationConfig
from klearctl.config.pod import PodConfig, read
from klearctl.config.rl import RLConfig
from klearctl.errors import BackendError, ConfigError
from klearctl.reward.code.fleet import Fleet
from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.code.service import Judge, Service
from klearctl.reward.sandbox.isolation import Isolation
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Verdict
from klearctl.stages import program
from klearctl.stages.serve import STOPPED

TOKEN = "KLEAR_SANDBOX_TOKEN"
_TESTS = {"inputs": ["6\n"], "outputs": ["42\n"], "function": None}
_FIRST = {  # what is printed for 6, and its verdict
    "7 * int(input())": Verdict.ACCEPTED,
    "7 + int(input())": Verdict.WRONG_ANSWER,
    "7 / (int(input()) - 6)": Verdict.RUNTIME_ERROR,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until a SIGTERM or SIGINT; returns the exit code, 143 then."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))  # until there is a loop to tell
    parser = program.arguments("sandbox")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=8080, help="0 is a free one")
    words = parser.parse_args(argv)
    return program.run(lambda: serve(read(words.config, RLConfig), words.host, words.port))


def serve(pod: PodConfig[RLConfig], host: str, port: int) -> int:
    """Verdicts for whoever knows the token.

    Raises:
        ConfigError: there is no token, or this host offers no isolation.
        BackendError: the sandbox does not judge as it should, or cannot listen.
    """
    token, config = token_of(os.environ), pod.config.sandbox
    with _sandbox(config, lanes=config.cpus) as sandbox:
        judge = CodeJudge(sandbox)
        check(judge, sandbox.isolation)
        service = Service(judge, token=token, isolation=sandbox.isolation, lanes=config.cpus, queue=config.queue)
        try:
            asyncio.run(_until_stopped(service, host, port, sandbox.isolation))
        except OSError as error:
            raise BackendError(f"cannot listen at {host}:{port}: {error.strerror}", fix="another --port") from error
    return STOPPED


@contextmanager
def code_judge(pod: PodConfig[RLConfig]) -> Iterator[Judge]:
    """The trainer's side: asks the run's sandbox pods; where it has none, runs code in a sandbox of this process.

    Raises:
        ConfigError: there is no token, or this host offers no isolation.
        RunFailed: no pod is ready in time.
    """
    config = pod.config.sandbox
    if pod.layout.sandboxes:
        fleet = Fleet(pod.layout.sandboxes, token_of(os.environ), patience_s=config.patience_s)
        fleet.wait_ready(timeout_s=pod.config.server.ready_timeout_s)
        yield fleet
    else:
        with code_judge_here(config) as judge:
            yield judge


@contextmanager
def code_judge_here(config: IsolationConfig) -> Iterator[Judge]:
    """Runs code in a sandbox of this process, one program a core.

    Raises:
        ConfigError: this host offers no isolation.
    """
    with _sandbox(config, lanes=0) as sandbox:
        yield CodeJudge(sandbox)


def token_of(environment: Mapping[str, str]) -> str:
    """What servers and trainer of a run know each other by.

    Raises:
        ConfigError: nobody has told it.
    """
    token = environment.get(TOKEN, "")
    if not token:
        raise ConfigError(f"{TOKEN} is not set", fix="`klearctl submit` makes the Secret RUN-sandbox that holds it")
    return token


def check(judge: Judge, isolation: str) -> None:
    """Returns if the judge gives the first programs the verdicts they have.

    Raises:
        BackendError: it does not.
    """
    for expression, verdict in _FIRST.items():
        judged = judge.judge(f"```python\nprint({expression})\n```", _TESTS)
        if judged.verdict is not verdict:
            raise BackendError(
                f"in {isolation}, print({expression}) gets {judged.verdict} instead of {verdict}: {judged.detail}",
                fix="sandbox.isolation names another one",
            )


def _sandbox(config: IsolationConfig, *, lanes: int) -> Sandbox:
    isolation = cast(Isolation, config.isolation)
    return Sandbox(lanes=lanes, isolation=isolation, unsafe=config.unsafe, libraries=config.libraries)


async def _until_stopped(service: Service, host: str, port: int, isolation: str) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with service.listening(host, port) as address:
        print(f"judging code at {address}, confined by {isolation}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())

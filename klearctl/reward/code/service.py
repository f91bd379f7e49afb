"""The code judge over HTTP: submissions in, one verdict each out; no more of them are taken in than can be held.

    POST /judge    what a Judge takes, {"response": ...} -> what it gives, {"verdict": ...}
    GET  /health   the name of the isolation, as JSON
    GET  /metrics  what Prometheus reads

/judge asks for the run's token (401 without it), and answers 413 to more than MOST_BYTES, 429 with Retry-After when
full, and 503 when we failed, not the response: another server may do better. It listens once the judge is ready.
"""

import asyncio
import hmac
import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from klearctl.reward.code.metrics import Metrics
from klearctl.reward.code.places import Places
from klearctl.reward.code.remote import MOST_BYTES
from klearctl.reward.sandbox.limits import SandboxFault
from klearctl.reward.verdict import Judged, Verdict

HELD_BYTES = 512 << 20  # of all submissions together
IDLE_S = 3600.0  # a trainer that learns for minutes finds its connections open
LONGEST_RETRY_S = 30
SHUTDOWN_S = 0.1  # 0 would be no limit


class Judge(Protocol):
    """What gives verdicts: `CodeJudge` in this process, a `Fleet` elsewhere. Blocks; any number of threads may ask."""

    def judge(
        self, response: str, tests: Mapping[str, Any], *, subset: Sequence[int] | None = None, must_think: bool = False
    ) -> Judged: ...


class Service:
    """One server. `lanes` submissions are judged at once, `queue` more wait."""

    def __init__(self, judge: Judge, *, token: str, isolation: str, lanes: int, queue: int) -> None:
        self._judge, self._isolation = judge, isolation
        self._password = f"Bearer {token}".encode()
        self._depth = (lanes + queue) / lanes
        self._places = Places(lanes + queue, HELD_BYTES)
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="judge")
        self._metrics = Metrics()

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[str]:
        """Answers at the address as long as the block lasts; what waits then is dropped: its clients ask elsewhere."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes(
            [web.post("/judge", self._post), web.get("/health", self._health), web.get("/metrics", self._counts)]
        )
        # what a client sent that has gone meanwhile is not begun
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, keepalive_timeout=IDLE_S, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            await runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(sent, self._password):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        size = request.content_length
        if size is None or size > MOST_BYTES:
            return web.Response(status=411 if size is None else 413)
        if not self._places.take(size):
            self._metrics.refused.inc()
            return web.Response(status=429, headers={"Retry-After": str(self._retry_s())})
        self._metrics.waiting.inc()
        try:
            work = self._pool.submit(self._work, await request.read())
        except BaseException:
            self._metrics.waiting.dec()
            self._places.give_back(size)
            raise
        work.add_done_callback(partial(self._leave, size))
        return await asyncio.wrap_future(work)

    def _work(self, body: bytes) -> web.Response:
        """In a thread of the pool."""
        self._metrics.waiting.dec()
        with self._metrics.running.track_inprogress():
            try:
                asked = json.loads(body)
                words = {name: asked[name] for name in ("response", "tests", "subset", "must_think")}
            except (ValueError, KeyError, TypeError) as error:
                return web.Response(status=400, text=f"no submission: {error!r}")
            with self._metrics.seconds.time():
                judged = self._judged(words)
            self._metrics.verdicts.labels(judged.verdict).inc()
        if judged.verdict is Verdict.INFRASTRUCTURE_FAULT:
            return web.Response(status=503, text=judged.detail)
        return web.json_response(asdict(judged))

    def _judged(self, words: dict[str, Any]) -> Judged:
        try:
            return self._judge.judge(**words)
        except SandboxFault as fault:
            return Judged(Verdict.INFRASTRUCTURE_FAULT, detail=str(fault))

    def _leave(self, size: int, work: "Future[web.Response]") -> None:
        if work.cancelled():
            self._metrics.waiting.dec()
        self._places.give_back(size)

    def _retry_s(self) -> int:
        """When half of what is held may be done, in whole seconds, as Retry-After has them."""
        half_s = self._metrics.mean_s() * self._depth / 2
        return min(LONGEST_RETRY_S, max(1, math.ceil(half_s)))

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response(self._isolation)

    async def _counts(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": self._metrics.content_type})

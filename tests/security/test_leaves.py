"""Who comes and goes makes everybody on a channel receive it only as often as a budget allows."""

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sockgate_gateway.channels import notice_budget
from sockgate_gateway.channels.notice_budget import NoticeBudget
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.gatewayprocess import Django, receive_frame, receive_until, show
from tests.integration.running_worker import RunningWorker, run_worker
from tests.waiting import until

pytestmark = pytest.mark.integration

NAMESPACES = json.dumps({"open": {"public": True, "presence": True, "join_leave": True}})
CHANNEL = "open:1"
LEAVES = 3
HARDLY_A_SECOND = 1e-6


@asynccontextmanager
async def page(running: RunningWorker, uid: str):
    url = f"ws://127.0.0.1:{running.port}/realtime/websocket"
    async with connect(url, compression=None, proxy=None) as browser:
        await show(browser, running.django.log_in(f"sid{uid}", uid, 1000))
        await receive_until(browser, type="connected")
        yield browser


async def request(browser: ClientConnection, kind: str) -> Any:
    await browser.send(json.dumps({"type": kind, "channel": CHANNEL, "id": 1}))
    return await receive_until(browser, reply_to=1)


async def notices_until(browser: ClientConnection, last: tuple[str, str]) -> list[tuple[str, str]]:
    notices: list[tuple[str, str]] = []
    while not notices or notices[-1] != last:
        frame = await receive_frame(browser)
        if frame["type"] in ("join", "leave"):
            notices.append((frame["type"], frame["user"]))
    return notices


async def test_leaves_beyond_the_budget_are_held_and_the_last_state_arrives(
    django: Django, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notice_budget, "PER_SECOND", HARDLY_A_SECOND)
    # One member stays, who receives two frames for each leave.
    monkeypatch.setattr(notice_budget, "BURST_S", (2 * LEAVES + 1) / HARDLY_A_SECOND)
    async with (
        run_worker(django.redis, namespaces=NAMESPACES, max_frames_per_second=10_000.0) as running,
        page(running, "8") as member,
        page(running, "7") as flapping,
        page(running, "9") as other,
    ):
        parts = running.worker.parts
        await request(member, "subscribe")
        for number in range(LEAVES + 3):
            held = parts.notices.held
            await request(flapping, "subscribe")
            await until(lambda: (CHANNEL, "7") not in parts.presence_counts._unwritten)
            await request(flapping, "unsubscribe")
            if number < LEAVES:
                await receive_until(member, type="leave", user="7")
            else:
                await until(lambda held=held: parts.notices.held > held)
        assert caplog.text.count("event=leaves_held user=7 channel='open:1'") == 1
        await request(other, "subscribe")
        await until(lambda: (CHANNEL, "9") not in parts.presence_counts._unwritten)
        await request(other, "unsubscribe")
        seen = await notices_until(member, ("leave", "9"))
        assert seen == [("join", "7"), ("join", "9"), ("leave", "9")], "7 is not seen to leave"
        monkeypatch.setattr(notice_budget, "PER_SECOND", 1.0)
        parts.presence._notices = NoticeBudget(running.worker.wheel, lambda _: 1)
        await parts.presence.heartbeat()
        assert await notices_until(member, ("leave", "7")) == [("leave", "7")]

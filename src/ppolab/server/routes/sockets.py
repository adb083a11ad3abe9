"""The WebSockets: following a run, and following an attempt. docs/protocol.md describes them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.websockets import WebSocketState

from ppolab.errors import InvalidSettingError, PPOLabError, shorten
from ppolab.runs import RunFolder
from ppolab.server import runviews
from ppolab.server.live import ENDED, Hub
from ppolab.server.problems import TITLES, problem_of, problem_of_validation
from ppolab.server.schema import (
    AttemptMessage,
    ClientMessage,
    ControlMessage,
    DoneMessage,
    ErrorMessage,
    HelloMessage,
    PingMessage,
    PongMessage,
    Problem,
    ResyncMessage,
    SubscribeMessage,
)
from ppolab.server.services import Services, ServicesDep

router = APIRouter()

CLIENT_MESSAGE: TypeAdapter[Any] = TypeAdapter(ClientMessage)
CLOSE_BASE = 4000  # an error's HTTP status is added, so that 4404 says "unknown"
ATTEMPT_SECONDS = 0.05  # how often a grading is looked at


@router.websocket("/ws/runs/{run_id}")
async def follow_run(socket: WebSocket, run_id: str, services: ServicesDep) -> None:
    """Send what a run records from a cursor on, and take controls."""
    await socket.accept()
    try:
        cursor = read_cursor(socket.query_params.get("cursor", "0"))
        folder = await asyncio.to_thread(services.runs.get, run_id)
    except PPOLabError as error:
        await refuse(socket, error)
        return
    follower = Follower(socket, services, folder, cursor)
    async with services.hubs.listen(folder) as hub:
        await until_first_ends(follower.receive(), follower.send_all(hub))


@router.websocket("/ws/attempts/{attempt_id}")
async def follow_attempt(socket: WebSocket, attempt_id: str, services: ServicesDep) -> None:
    """Send an attempt after each change, until it is done."""
    await socket.accept()
    try:
        number = int(attempt_id) if attempt_id.isdecimal() else -1
        await asyncio.to_thread(services.grading.attempt, number)
    except PPOLabError as error:
        await refuse(socket, error)
        return
    await until_first_ends(drain(socket), send_attempt(socket, services, number))
    if socket.application_state == WebSocketState.CONNECTED:
        await socket.close()


class Follower:
    """One client that follows a run: a cursor, a rate, and nothing queued."""

    def __init__(
        self, socket: WebSocket, services: Services, folder: RunFolder, cursor: int
    ) -> None:
        self.socket = socket
        self.services = services
        self.folder = folder
        self.cursor = cursor
        self.subscription = SubscribeMessage(type="subscribe")
        self.sending = asyncio.Lock()  # answers and frames come from two tasks

    async def send(self, message: BaseModel | str) -> None:
        """Send one message; the wait is the brake on a client that reads slowly."""
        text = message if isinstance(message, str) else message.model_dump_json()
        async with self.sending:
            await self.socket.send_text(text)

    async def send_all(self, hub: Hub) -> None:
        """Greet, then send what is new for as long as the run exists."""
        detail = await asyncio.to_thread(runviews.detail, self.services, self.folder)
        keys = list(detail.latest)
        await self.send(HelloMessage(run=detail, head=hub.ring.head, keys=keys))
        if self.cursor > detail.head:
            await self.resync(detail.head)  # the log is shorter than what this client knew
        done_at = -1  # the cursor at which the client was told that nothing more comes
        while hub.over is None:
            news = hub.news()
            sent = await self.send_new(hub)
            if hub.ended and self.cursor == hub.ring.head and self.cursor != done_at:
                detail = await asyncio.to_thread(runviews.detail, self.services, self.folder)
                # The hub may lag behind: if the log has grown since, its lines are sent first.
                if detail.head == self.cursor and detail.state in ENDED:
                    await self.send(DoneMessage(run=detail))
                    done_at = self.cursor
            if sent:
                await asyncio.sleep(1 / self.subscription.hz)
            else:
                await news.wait()
        await self.socket.close(*hub.over)

    async def resync(self, head: int) -> None:
        """Tell the client to fetch again what lies before `head`, and go on from there."""
        await self.send(ResyncMessage(from_seq=self.cursor, to_seq=head))
        self.cursor = head

    async def send_new(self, hub: Hub) -> bool:
        """Send what lies beyond the cursor; tell whether there was anything."""
        if hub.ring.lost(self.cursor):
            await self.resync(hub.ring.head)
            return True
        keys = None if self.subscription.keys is None else frozenset(self.subscription.keys)
        sent = False
        for cursor, message in hub.ring.after(self.cursor, keys):
            if hub.ring.lost(self.cursor):
                break  # while a slow client was served, its place fell out of the ring
            if message is not None:
                await self.send(message)
            self.cursor = cursor
            sent = True
        return sent

    async def receive(self) -> None:
        """Take messages until the client leaves. One that cannot be used is answered in words."""
        while True:
            frame = await self.socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            try:
                message = read_message(frame)
                await self.obey(message)
            except PPOLabError as error:
                await self.send(ErrorMessage(problem=problem_of(error)))
            except ValidationError as error:
                await self.send(ErrorMessage(problem=message_problem(frame, error)))

    async def obey(self, message: SubscribeMessage | ControlMessage | PingMessage) -> None:
        """Do what a message asks."""
        if isinstance(message, SubscribeMessage):
            self.subscription = message
        elif isinstance(message, ControlMessage):
            await asyncio.to_thread(
                runviews.control, self.services, self.folder.id, message.control
            )
        else:
            await self.send(PongMessage())


def read_cursor(text: str) -> int:
    """The cursor in an address. Raises InvalidSettingError."""
    if not text.isdecimal() or len(text) > 18:
        raise InvalidSettingError(
            "cursor",
            text,
            "is no position in a log",
            "Give the last sequence number you have, or 0.",
        )
    return int(text)


def read_message(frame: Any) -> SubscribeMessage | ControlMessage | PingMessage:
    """Parse a client's message. Raises InvalidSettingError or ValidationError."""
    text = frame.get("text")
    if text is None:
        raise InvalidSettingError(
            "message", frame.get("bytes"), "is binary", "Send JSON as a text message."
        )
    message: SubscribeMessage | ControlMessage | PingMessage = CLIENT_MESSAGE.validate_json(text)
    return message


def message_problem(frame: Any, error: ValidationError) -> Problem:
    """Say what was wrong with a message."""
    errors = error.errors(include_url=False)
    if errors[0]["type"] != "json_invalid":
        return problem_of_validation(errors)
    mend = 'Send one JSON object, such as {"type": "ping"}.'
    return Problem(
        title=TITLES[422],
        status=422,
        detail=f"message: {shorten(frame.get('text'))} is not JSON. {mend}",
        field="message",
        value=shorten(frame.get("text")),
        mend=mend,
    )


async def send_attempt(socket: WebSocket, services: Services, attempt_id: int) -> None:
    """Send an attempt whenever it has changed, until it is done."""
    sent = None
    while True:
        attempt = await asyncio.to_thread(services.grading.attempt, attempt_id)
        if attempt != sent:
            await socket.send_text(AttemptMessage(attempt=attempt).model_dump_json())
            sent = attempt
        if attempt.status == "done":
            return
        await asyncio.sleep(ATTEMPT_SECONDS)


async def drain(socket: WebSocket) -> None:
    """Read and forget messages until the client leaves."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def refuse(socket: WebSocket, error: PPOLabError) -> None:
    """Tell why a socket is of no use, in a message that a page can read, and close it."""
    await socket.send_text(ErrorMessage(problem=problem_of(error)).model_dump_json())
    await socket.close(CLOSE_BASE + error.status, error.problem)


async def until_first_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Run tasks side by side until one of them ends; a client that leaves is no error."""
    async with anyio.create_task_group() as group:

        async def run(part: Coroutine[Any, Any, None]) -> None:
            with suppress(WebSocketDisconnect):
                await part
            group.cancel_scope.cancel()

        for part in work:
            group.start_soon(run, part)

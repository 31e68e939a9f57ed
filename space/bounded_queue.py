"""Gradio's queue with an end to what it keeps: answers that nobody collects are forgotten.

Gradio keeps an answer until somebody asks for it, and some words on each session for ever. Here a
session is forgotten a minute after its last call, and the oldest first where answers grow too large
together. Who comes later is told that there is no such call.
"""

import asyncio
import time
from typing import Any, NamedTuple

import gradio
import orjson
from call_checks import refusal
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage

LONGEST_WAIT = 60.0  # seconds; a client asks for its answer at once
LOOK_SECONDS = 10.0
MOST_BYTES = 8 * 1024 * 1024  # of JSON; in memory it takes several times as much
LEAST_BYTES = 4 * 1024  # what is noted of any answer counts as well


class Answer(NamedTuple):
    """An answer that waits to be collected: whose it is, and the bytes that it counts for."""

    session: str
    size: int


class BoundedQueue(Queue):
    """A `Queue` that forgets; everything here runs in the server's event loop."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.ANALYTICS_MAX_EVENTS = 1  # of each call Gradio notes when and how; nobody reads it
        self._asked: dict[str, float] = {}  # when a session called last, the oldest first
        self._answers: dict[str, Answer] = {}  # by event, the oldest first

    def start(self) -> None:
        """Begin to work, and to forget."""
        super().start()  # type: ignore[no-untyped-call]
        self._asyncio_tasks.add(asyncio.create_task(self._forget_regularly()))

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Take a call that can be answered; Gradio would fail on others, and log a bug."""
        if why := refusal(body, self.blocks.fns):
            return False, why, "error"
        outcome = await super().push(body, request, username)
        if outcome[0]:
            self._asked.pop(body.session_hash, None)
            self._asked[body.session_hash] = time.monotonic()
        return outcome

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Keep a message until it is collected, if its session is still known."""
        if not event.alive or event.session_hash not in self.pending_messages_per_session:
            return
        super().send_message(event, event_message)
        if isinstance(event_message, ProcessCompletedMessage):
            size = max(LEAST_BYTES, len(orjson.dumps(event_message.output, default=str)))
            self._answers[event._id] = Answer(event.session_hash, size)  # noqa: SLF001 its only name
            self._forget_the_oldest()

    def knows(self, name: str) -> bool:
        """Whether there is such a session, or such a call of any session."""
        calls = self.pending_event_ids_session
        return name in self.pending_messages_per_session or any(
            name in each for each in calls.values()
        )

    def compute_analytics_summary(self, records: Any) -> Any:  # noqa: ARG002 Gradio's signature
        """Return what there is: the dashboard that would show more is off."""
        return self.cached_event_analytics_summary

    async def _forget_regularly(self) -> None:
        while not self.stopped:
            await asyncio.sleep(LOOK_SECONDS)
            self._forget_who_is_gone()

    def _forget_who_is_gone(self) -> None:
        busy = {event.session_hash for event in self.event_ids_to_events.values()}
        for session, asked in list(self._asked.items()):
            if time.monotonic() - asked > LONGEST_WAIT and session not in busy:
                self._forget(session)

    def _forget_the_oldest(self) -> None:
        self._answers = {
            event: answer for event, answer in self._answers.items() if self._waits(event, answer)
        }
        kept = sum(answer.size for answer in self._answers.values())
        for event, answer in list(self._answers.items()):
            if kept <= MOST_BYTES:
                break
            kept -= answer.size
            del self._answers[event]
            self._forget(answer.session)

    def _waits(self, event: str, answer: Answer) -> bool:
        return event in self.pending_event_ids_session.get(answer.session, ())

    def _forget(self, session: str) -> None:
        self._asked.pop(session, None)
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)


class ReadingBlocks(gradio.Blocks):
    """`gradio.Blocks` on a `BoundedQueue`."""

    answers: BoundedQueue

    def queue(self, *args: Any, **settings: Any) -> "ReadingBlocks":
        """Take the settings of Gradio's queue."""
        super().queue(*args, **settings)
        plain = self._queue
        self._queue = self.answers = BoundedQueue(
            live_updates=plain.live_updates,
            concurrency_count=plain.max_thread_count,
            update_intervals=plain.update_intervals,
            max_size=plain.max_size,
            blocks=self,
            default_concurrency_limit=plain.default_concurrency_limit,
        )
        return self

"""Threads that make HTTP calls, none of which is ever waited for without end.

A call that outlasts its time is left behind with its thread, and another thread takes its place; a process ends
without joining any.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_msginsights.transports.connections import Line
from airflow_provider_msginsights.transports.silence import unlogged

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

T = TypeVar("T")

_GRACE_SECONDS = 0.5
"""A thread ends its call in time by itself, unless it is stuck in something that knows no time, such as a look-up."""

_CLOSING_SECONDS = 1.0
"""Threads whose connections were cut end at once; one that does not is left behind."""


class Job(Generic[T]):
    """A call to make, under way, or made.

    :param work: makes the call by a thread's session, which its line ends in time.
    :param limit_seconds: how long it may take from when a thread begins it.
    :param done: called with the job once it was made.
    """

    def __init__(
        self, work: Callable[[requests.Session, Line], T], limit_seconds: float, done: Callable[[Job[T]], None]
    ) -> None:
        self.limit_seconds = limit_seconds
        self._work, self._done = work, done
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._is_left = False
        self._result: T | None = None
        self._error: BaseException | None = None

    @property
    def seconds_to_overdue(self) -> float:
        """How long until it is worth looking whether the call outlasts its time; nothing once it does."""
        worker = self._worker
        left = self.limit_seconds if worker is None else worker.line.left_seconds
        return max(0.0, left + _GRACE_SECONDS)

    def result(self) -> T:
        """Return what came of it.

        :raises BaseException: what the work raised: a mistake of ours.
        """
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def leave(self) -> None:
        """Do without it: it is not begun, or ended where it stands, and reported to nobody."""
        with self._lock:
            self._is_left = True
            if self._worker is not None:
                self._worker.leave()

    def run_by(self, worker: Worker) -> None:
        """Make the call in this thread."""
        try:
            session = worker.session()
            with self._lock:
                if self._is_left:
                    worker.rest()
                    return
                worker.line.begin(self.limit_seconds)
                self._worker = worker
            self._result = self._work(session, worker.line)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is requested
            self._error = error
        with self._lock:
            is_wanted, self._worker = not self._is_left, None
        worker.rest()  # first, so that the next job finds it free
        if is_wanted:
            self._done(self)


class Worker:
    """One thread with its session."""

    def __init__(self, desk: _Desk, new_session: Callable[[Line], requests.Session]) -> None:
        self.line = Line()
        self._desk, self._new_session = desk, new_session
        self._session: requests.Session | None = None
        self.thread = threading.Thread(target=self._run, name="msginsights_call", daemon=True)

    def session(self) -> requests.Session:
        """Return the session, made when it is first used."""
        if self._session is None:
            self._session = self._new_session(self.line)
        return self._session

    def rest(self) -> None:
        """Be free for another job."""
        self._desk.rest()

    def leave(self) -> None:
        """End what is under way, and take no more."""
        self._desk.dismiss(self)
        self.line.cut()

    def _run(self) -> None:
        with unlogged():
            try:
                while (job := self._desk.next_job(self)) is not None:
                    job.run_by(self)
                    del job
            finally:
                if self._session is not None:
                    with contextlib.suppress(Exception):
                        self._session.close()


class _Desk:
    """Where workers find their jobs; it knows no crew, so that one can be forgotten while its workers wait."""

    def __init__(self) -> None:
        self.workers: set[Worker] = set()
        self._jobs: deque[Job[Any]] = deque()
        self._idle = 0
        self._change = threading.Condition()

    def put(self, *jobs: Job[Any]) -> None:
        with self._change:
            self._jobs.extend(jobs)
            self._change.notify_all()

    def hire(self, worker: Worker, *, most: int) -> bool:
        """Take a worker, unless there are enough; it is idle until it has a job."""
        with self._change:
            if self._idle >= len(self._jobs) or len(self.workers) >= most:
                return False
            self.workers.add(worker)
            self._idle += 1
            return True

    def rest(self) -> None:
        with self._change:
            self._idle += 1

    def next_job(self, worker: Worker) -> Job[Any] | None:
        """Wait for a job; ``None`` for a worker that is dismissed."""
        with self._change:
            self._change.wait_for(lambda: self._jobs or worker not in self.workers)
            self._idle -= 1
            return self._jobs.popleft() if worker in self.workers else None

    def dismiss(self, *workers: Worker) -> None:
        with self._change:
            self.workers.difference_update(workers or tuple(self.workers))
            self._change.notify_all()


class Crew:
    """A few workers and the jobs they share. A crew nobody refers to any more sends its workers home.

    :param size: most jobs under way at a time.
    """

    def __init__(self, size: int, new_session: Callable[[Line], requests.Session]) -> None:
        self._size, self._new_session = size, new_session
        self._desk = _Desk()
        weakref.finalize(self, self._desk.dismiss)

    def submit(self, job: Job[Any]) -> None:
        """Have a job done by the next worker that is free."""
        self._desk.put(job)
        self._hire()

    def leave(self, *jobs: Job[Any]) -> None:
        """Do without these jobs, whatever holds them up."""
        for job in jobs:
            job.leave()
        self._hire()

    def _hire(self) -> None:
        while self._desk.hire(worker := Worker(self._desk, self._new_session), most=self._size):
            worker.thread.start()

    def close(self) -> None:
        """End every call under way and send the workers home."""
        workers = tuple(self._desk.workers)
        self._desk.dismiss()
        for worker in workers:
            worker.line.cut()
        ends_at = time.monotonic() + _CLOSING_SECONDS
        for worker in workers:
            worker.thread.join(max(0.0, ends_at - time.monotonic()))

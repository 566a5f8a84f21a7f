"""Many questions at once under one deadline; who is late is left out."""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from queue import Empty, SimpleQueue
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

MOST_THREADS = 64


def ask_all(
    questions: Mapping[Key, Callable[[], Answer]], seconds: float
) -> dict[Key, Answer]:
    """Call every function in a thread of its own and return what they say.

    Args:
        questions: functions that raise nothing; more than 64 share threads.
        seconds: when to stop waiting. The threads of late ones end with
            their function, and never keep the process from ending.

    Returns: the answers that came in time.
    """
    deadline = time.monotonic() + seconds
    waiting: SimpleQueue[tuple[Key, Callable[[], Answer]]] = SimpleQueue()
    answers: SimpleQueue[tuple[Key, Answer]] = SimpleQueue()
    for item in questions.items():
        waiting.put(item)

    def work() -> None:
        while True:
            try:
                key, question = waiting.get_nowait()
            except Empty:
                return
            answers.put((key, question()))

    for _ in range(min(len(questions), MOST_THREADS)):
        threading.Thread(target=work, daemon=True).start()
    found: dict[Key, Answer] = {}
    while len(found) < len(questions):
        try:
            key, answer = answers.get(
                timeout=max(0.0, deadline - time.monotonic())
            )
        except Empty:
            break
        found[key] = answer
    return found

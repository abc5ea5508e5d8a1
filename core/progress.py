"""How a long job tells what it does, and learns that it is to stop."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Given to every road function. Either call may raise CancelledError, which ends the job in good order."""

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` pieces of `what` are finished."""

    def note(self, text: str) -> None:
        """Something that the user should know, such as a second face that was passed over."""


class Silent:
    """Tells nobody."""

    def step(self, what: str, done: int, total: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass

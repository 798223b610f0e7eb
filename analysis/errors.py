# SPDX-License-Identifier: MIT
"""The ways a command ends other than well; each class carries the exit code it means."""

import signal

EXIT_DONE = 0
EXIT_REGRESSED = 1
EXIT_DAMAGED = 1
EXIT_NOT_COMPARABLE = 3


# What asks for an end.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failure(Exception):
    """Ends a command. The message is all the user sees: it names the file and what is wrong."""

    exit_code = 1


class Interrupted(BaseException):
    """A signal that asks for an end: what holds something to be cleaned up sees it go by."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class BadInput(Failure):
    """Wrong usage, or a file that is broken, cut off or not what it should be."""

    exit_code = 2


class NotPossible(Failure):
    """Cannot be measured or drawn here, or not comparable."""

    exit_code = 3

"""Errors a user can cause or cure. Each class has its own exit code, so scripts can tell them apart."""


class GeotoolError(Exception):
    """A failure with a remedy: `message` says what happened, `hint` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(GeotoolError):
    """An option, a typed value or a configuration that cannot be meant."""

    exit_code = 2


class NotFoundError(GeotoolError):
    """A file or artefact is missing; the hint names the command that makes it."""

    exit_code = 3


class MismatchError(GeotoolError):
    """An artefact was made from other inputs; the message shows both fingerprints."""

    exit_code = 4


class BadImageError(GeotoolError):
    """One picture cannot be used. Becomes an ItemError, so the rest of a batch goes on."""

    exit_code = 5


class EmptyResultError(GeotoolError):
    """A job ran to its end and produced nothing."""

    exit_code = 6


class DeviceError(GeotoolError):
    """The device asked for does not exist or ran out of memory."""

    exit_code = 7


class RemoteError(GeotoolError):
    """A server that the user asked for did not answer as it should."""

    exit_code = 8


class StoppedError(GeotoolError):
    """The user stopped the work; what was finished is kept."""

    exit_code = 130

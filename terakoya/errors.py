"""The errors of the product: few, named, and each says what to do.

An error carries the key of a catalogue entry and the values that the entry names, so that one error can
be shown in the reader's language wherever it surfaces: terminal, page or HTTP reply.
"""

from terakoya.catalogue import text


class TerakoyaError(Exception):
    """Root of all errors that a user may see.

    Attributes:
        key: Name of the sentence in the catalogues, without the leading `error.`.
        values: Values that the sentence names.
        exit_code: What the command line exits with.
        http_status: What the service answers with.
        sentence: The sentence as another process already put it; then the catalogue is not asked.
    """

    exit_code = 1
    http_status = 500
    sentence: str | None = None

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        """Passes to another process with key, values and sentence; a value of its own kind passes as its text."""
        plain = {
            name: value if value is None or isinstance(value, str | int | float) else str(value)
            for name, value in self.values.items()
        }
        return _again, (type(self), self.key, plain, self.sentence)

    def message(self, language: str | None = None) -> str:
        """The sentence for a person, in `language` ("ja", "en") or that of the environment."""
        if self.sentence is not None:
            return self.sentence
        return text(f"error.{self.key}", language=language, **self.values)

    def __str__(self) -> str:
        return self.message()


class BadInput(TerakoyaError):
    """What the caller gave cannot be used: wrong use, or a file that cannot be read."""

    exit_code = 2
    http_status = 422


class BadValue(BadInput, ValueError):
    """A program gave a value that cannot be used; a ValueError too, as the interfaces of libraries promise."""


class NotFound(BadInput):
    """The named run, thread, note or trace does not exist."""

    http_status = 404


class CheckFailed(TerakoyaError):
    """A check ran to its end and its result is not good enough."""

    exit_code = 1
    http_status = 409


class Unavailable(TerakoyaError):
    """Something needed is missing: a package, a model, a server."""

    exit_code = 3
    http_status = 503


class NotSent(Unavailable):
    """A tool cannot be reached, and was certainly not called."""


class TargetLost(Unavailable):
    """What an eval asks is gone, and so is every further answer: the run ends."""


class Busy(Unavailable):
    """Something needed is there but in use by another process or request."""

    http_status = 409


class Cancelled(TerakoyaError):
    """The person does not want the answer any more."""

    http_status = 409


class Unauthorised(TerakoyaError):
    """The caller did not show the token of this installation."""

    exit_code = 3
    http_status = 401


def rebuild(key: str, sentence: str, http_status: int) -> TerakoyaError:
    """The error that another process reported, with its key and its sentence kept."""
    kinds: dict[int, type[TerakoyaError]] = {401: Unauthorised, 404: NotFound, 409: Busy, 503: Unavailable}
    kind = kinds.get(http_status, BadInput if 400 <= http_status < 500 else TerakoyaError)
    error = kind(key)
    error.sentence = sentence
    return error


def _again(
    kind: type[TerakoyaError], key: str, values: dict[str, object], sentence: str | None
) -> TerakoyaError:
    error = kind(key, **values)
    error.sentence = sentence
    return error

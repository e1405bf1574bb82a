"""Backups of an installation."""

from terakoya.api.schema import Schema


class BackupRequest(Schema):
    """Where a backup goes: an absolute path on the machine of the service."""

    path: str


class BackupReport(Schema):
    """What a backup holds: the number of its files, its bytes, when and by which version it was made.

    `threads_at` is the server that has the conversations, which are not in it then; empty where they are.
    """

    path: str
    files: int
    size: int
    made: str
    version: str
    threads_at: str = ""

"""What can be wrong with a backup or with where it goes."""

from __future__ import annotations

from typing import ClassVar

from protea_common.errors import PermanentError

__all__ = ["BackupDamagedError", "BackupFolderError", "DatabaseProgramError", "TargetNotEmptyError"]


class BackupFolderError(PermanentError):
    """The folder cannot be written as a backup, or read as one."""

    slug: ClassVar[str] = "backup-folder"


class BackupDamagedError(PermanentError):
    """A file of the backup is missing, or is not what was written."""

    slug: ClassVar[str] = "backup-damaged"


class TargetNotEmptyError(PermanentError):
    """What would be restored into holds something already."""

    slug: ClassVar[str] = "target-not-empty"


class DatabaseProgramError(PermanentError):
    """PostgreSQL's own program for dumps is missing or failed."""

    slug: ClassVar[str] = "database-program"

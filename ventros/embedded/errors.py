"""What can go wrong when Ventros runs its own database servers."""


class EmbeddedServerError(Exception):
    """An embedded server cannot be started; the message says why and what to do about it."""


class DirectoryInUse(EmbeddedServerError):
    """Another living process owns the directory."""

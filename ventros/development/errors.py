"""Why `./run` gives up."""


class StackFailed(Exception):
    """Something needed did not come up or went down; the message says what and how its log ends."""


class PortTaken(Exception):
    """The API's port cannot be had; the message names it and the way to another."""

"""What can go wrong between the gateway and a venue; the texts are for users. Pure."""


class VenueError(Exception):
    """The venue did not do what was asked."""


class RefusedError(VenueError):
    """The venue answered a request with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"the venue answered {code}: {message}")
        self.code = code


class LostError(VenueError):
    """The connection broke, or the answer did not come: whether it was executed is unknown."""


class UnavailableError(VenueError):
    """No connection to the venue could be had in time."""

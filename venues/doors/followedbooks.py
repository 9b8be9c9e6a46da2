"""The book of an instrument as a topic of a door follows it: the hub's board, and its image."""

from exchange.depth.images import BookImage
from live.boards import Board, Follower
from venues.doors.publishers import Publisher, current_publishers


class FollowedBook:
    """What one publisher follows. It is told of changes as a `live.boards.Follower`."""

    _board: Board

    def __init__(self, key: int, symbol: str) -> None:
        """`key` and `symbol` are those of the instrument."""
        self._key = key
        self._topic = f"book.{symbol}"
        self._follower: Follower | None = None

    async def open(self, publisher: Publisher, follower: Follower) -> None:
        """Follow the topic of the hub for a publisher; raise DatabaseError."""
        board = await publisher.follow(self._topic)
        if not isinstance(board, Board):
            raise TypeError(f"{self._topic} is no board")
        board.subscribers.discard(publisher)  # it is called: no need to parse the board's texts
        self.attach(board, follower)

    def attach(self, board: Board, follower: Follower) -> None:
        """Tell a follower of the changes of an open board."""
        self._board, self._follower = board, follower
        board.slices.add(follower)
        current_publishers().close_books.add(self._key)

    def close(self) -> None:
        if self._follower is not None:
            self._board.slices.discard(self._follower)
            current_publishers().close_books.discard(self._key)
            self._follower = None

    @property
    def image(self) -> BookImage:
        """The book as it is now."""
        image = self._board.image
        if not isinstance(image, BookImage):
            raise TypeError(f"{self._topic} shows no book")
        return image

    @property
    def end(self) -> int:
        return self._board.end

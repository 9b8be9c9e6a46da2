"""What publishers of this door have in common."""

from typing import Any

from exchange.depth.images import BookImage
from live.boards import Board
from live.cutting import made
from live.frames import Publication
from venues.deribit.envelopes import news
from venues.deribit.listed import Listed
from venues.doors.publishers import Pace, Publisher


class Feed(Publisher):
    """A channel of one instrument, sent at most once per interval."""

    def __init__(self, name: str, listed: Listed, interval_s: float) -> None:
        super().__init__(name)
        self.listed = listed
        self.pace = Pace(interval_s, self.push)

    async def close(self) -> None:
        self.pace.stop()
        await super().close()

    def push(self) -> None:
        """Send what is due."""
        raise NotImplementedError

    def tell(self, data: Any) -> Publication:
        """Send data of the channel to all subscribers."""
        return self.send(news(self.name, data))

    def opening(self, data: Any) -> tuple[Publication]:
        """Return data of the channel for a new subscriber alone."""
        return (made(news(self.name, data), 0, 0, topic=self.name),)


class BookFeed(Feed):
    """A channel that follows the book (live.boards.Follower)."""

    _board: Board

    async def open(self) -> None:
        board = await self.follow(f"book.{self.listed.symbol}")
        if not isinstance(board, Board):
            raise TypeError(f"book.{self.listed.symbol} is no board")
        board.subscribers.discard(self)  # the board calls `extend`: no need to parse its texts
        self._board = board
        board.slices.add(self)

    async def close(self) -> None:
        if hasattr(self, "_board"):
            self._board.slices.discard(self)
        await super().close()

    @property
    def image(self) -> BookImage:
        image = self._board.image
        if not isinstance(image, BookImage):
            raise TypeError(f"book.{self.listed.symbol} shows no book")
        return image

    def replace(self, image: Any, seq: int) -> None:
        """Note that the book was read again."""
        self.pace.touch()

    def extend(self, delta: Any, seq: int, committed_at: float) -> None:
        """Note that the book, which the board has changed already, is another one."""
        self.pace.touch()

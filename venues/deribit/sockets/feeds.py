"""What publishers of this door have in common."""

from typing import Any

from exchange.depth.images import BookImage
from live.cutting import made
from live.frames import Publication
from venues.deribit.envelopes import news
from venues.deribit.listed import Listed
from venues.doors.followedbooks import FollowedBook
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

    def __init__(self, name: str, listed: Listed, interval_s: float) -> None:
        super().__init__(name, listed, interval_s)
        self._book = FollowedBook(listed.key, listed.symbol)

    async def open(self) -> None:
        await self._book.open(self, self)

    async def close(self) -> None:
        self._book.close()
        await super().close()

    @property
    def image(self) -> BookImage:
        return self._book.image

    def replace(self, image: Any, seq: int) -> None:
        """Note that the book was read again."""
        self.pace.touch()

    def extend(self, delta: Any, seq: int, committed_at: float) -> None:
        """Note that the book, which the board has changed already, is another one."""
        self.pace.touch()

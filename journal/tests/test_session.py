"""A session of a journal: what it starts, and in which order it ends."""

import pytest

from journal.journal import Journal
from journal.session import Session


class Part:
    """A source and a companion that record what happens to them."""

    is_running = True

    def __init__(self, name, happened):
        self.name = name
        self._happened = happened

    def start(self, put=None):
        pass

    def join(self, timeout):
        pass

    def finish(self):
        self._happened.append(f"{self.name} finishes")

    def stop(self):
        self._happened.append(f"{self.name} stops")


@pytest.mark.django_db(transaction=True)
def test_companions_end_while_the_sources_that_they_act_on_still_run():
    happened = []
    session = Session(Journal([]), lambda state: None)
    session.run([Part("market", happened)], lambda: True, [Part("bots", happened)])
    assert happened == ["bots stops", "market finishes", "market stops"]

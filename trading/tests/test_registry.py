"""The registry of live machines."""

import threading

from trading.core.orderstates import OrderEvent, OrderFacts, OrderLife, OrderState
from trading.core.registry import Registry

NEW = OrderLife(facts=OrderFacts(lots=10))
PLACED = NEW.after(OrderEvent.ACCEPTED)
CANCELLED = PLACED.after(OrderEvent.CANCELLED)


def test_machines_are_found_by_state_and_counted() -> None:
    registry: Registry[str, OrderLife] = Registry()
    registry.put("a", NEW)
    registry.put("a", PLACED)
    registry.put("b", NEW)
    registry.refused()
    assert registry.in_states(OrderState.PLACED) == {"a": PLACED}
    found = registry.statistics()
    assert found.states == {"PLACED": 1, "PENDING": 1}
    assert found.transitions == {("PENDING", "PLACED"): 1}
    assert (found.refused, found.stale) == (1, 0)


def test_an_older_version_never_replaces_a_newer_one() -> None:
    registry: Registry[str, OrderLife] = Registry()
    registry.put("a", PLACED)
    assert not registry.put("a", NEW)
    assert registry.get("a") == PLACED
    assert registry.statistics().stale == 1


def test_final_machines_are_cleared() -> None:
    registry: Registry[str, OrderLife] = Registry()
    registry.put("a", CANCELLED)
    registry.put("b", PLACED)
    assert registry.clear_final() == 1
    assert registry.get("a") is None
    assert len(registry) == 1


def test_threads_lose_no_machine() -> None:
    registry: Registry[tuple[int, int], OrderLife] = Registry()

    def fill(thread: int) -> None:
        for number in range(200):
            registry.put((thread, number), NEW)
            registry.put((thread, number), PLACED)

    threads = [threading.Thread(target=fill, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.statistics().transitions == {("PENDING", "PLACED"): 800}
    assert len(registry.in_states(OrderState.PLACED)) == 800

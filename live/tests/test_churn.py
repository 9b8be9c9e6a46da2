"""Resources after many clients have connected and disconnected, on both servers."""

import pytest

from rig.census import deserted, left_behind, settled
from rig.servers import asgi_command, environment, free_port, make_market, running, wait_for
from rig.visits import AT_ONCE, churn

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("server", "clients"), [("daphne", 60), ("uvicorn", 200)])
def test_many_clients_leak_nothing(server, clients, tmp_path):
    """daphne takes five times as long for a client, so it gets fewer."""
    port = free_port()
    env = environment(make_market(tmp_path, ["ES", "NQ"]))
    with running(asgi_command(server, port, "rig.census:application"), env) as process:
        wait_for(port, process)
        churn(port, AT_ONCE)
        before = deserted(port)
        churn(port, clients)
        after = settled(port, before)
    assert left_behind(before, after) == {}
    assert before["connections"] == before["consumers"] == 0

"""A burst of connections on daphne: slow handshakes are neither lost nor ended silently."""

import sys

import pytest

from rig.processes import free_port
from rig.servers import environment, running, wait_for
from rig.spectators import Spectators

pytestmark = pytest.mark.processes
CLIENTS = 40


def is_connected(client):
    return client.connected_at is not None


def test_burst_longer_than_daphnes_limits_disconnects_no_client(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-p", str(port)]
    env = environment(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with (
        running([*command, "rig.slowhandshake:application"], env) as process,
        Spectators() as spectators,
    ):
        wait_for(port, process)
        clients = spectators.connect(port, CLIENTS, b"{}")
        spectators.run(60, lambda: spectators.lost or all(map(is_connected, clients)))
        assert spectators.lost == 0
        assert all(map(is_connected, clients))

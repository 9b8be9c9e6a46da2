"""What a live run recorded, held against the law that it says it followed."""

import json
import math

import numpy as np
import pytest

from rig.databases import seeded_database_url
from rig.processes import environment, manage

pytestmark = pytest.mark.processes

LONG = 1_000
"""Ticks of a regime from which on the normal approximation is close."""


@pytest.fixture
def live_run(tmp_path):
    """Return {symbol: (ticks, [(phi, first_seq, last_seq)])} of a market that ran live."""
    env = environment(seeded_database_url(tmp_path))
    manage("runsim", "--seed", "11", "--speed", "4000", "--duration", "5", env=env)
    code = (
        "import json; from itertools import pairwise; from instruments.models import Instrument; "
        "from quotes.models import Quote, Regime\n"
        "for i in Instrument.objects.all(): print(json.dumps([i.symbol, "
        "list(Quote.objects.of(i).values_list('ticks', flat=True)), "
        "[(phi, first, after - 1) for (phi, first), (_, after) in pairwise("
        "Regime.objects.filter(instrument=i).order_by('seq').values_list('phi', 'first_seq'))]]))"
    )
    lines = manage("shell", "-v0", "-c", code, env=env).splitlines()
    return {s: (np.array(t), r) for s, t, r in map(json.loads, lines)}


def test_signs_in_the_recorded_regimes_correlate_as_their_phi_says(live_run):
    """Lag 1: phi, lag 2: phi squared, each within 4 standard errors."""
    checked = 0
    for ticks, regimes in live_run.values():
        for phi, first_seq, last_seq in regimes:
            steps = np.diff(ticks[max(first_seq - 2, 0) : last_seq])
            n = len(steps) - 1
            if n < LONG:
                continue
            repeats = steps[1:] * steps[:-1]
            assert abs(repeats.mean() - phi) < 4 * math.sqrt((1 - phi**2) / n)
            variance = 1 - phi**4 + 2 * phi**2 * (1 - phi**2)
            lag_2 = (steps[2:] * steps[:-2]).mean()
            assert abs(lag_2 - phi**2) < 4 * math.sqrt(variance / n)
            checked += 1
    assert checked >= 20

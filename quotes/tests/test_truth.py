"""Statistics of a recorded live run agree with the stored law."""

import json
import math

import numpy as np
import pytest

from rig.databases import seeded_database_url
from rig.processes import environment, manage

pytestmark = pytest.mark.processes

SYMBOLS = ("NQ", "YM", "FDAX")
"""Instruments without a book, which would cost the most."""
LONG = 1_000
"""Regimes of at least this many ticks: the normal approximation is close."""


@pytest.fixture
def live_run(tmp_path):
    """Return {symbol: (ticks, [(phi, first_seq, last_seq)])} recorded by a live market."""
    env = environment(seeded_database_url(tmp_path))
    pace = ("--speed", "4000", "--duration", "4")
    manage("runsim", "--seed", "11", *pace, "--instruments", *SYMBOLS, env=env)
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


def test_sign_correlation_within_recorded_regimes_equals_phi(live_run):
    """Correlation is phi at lag 1 and phi squared at lag 2, within 4 standard errors."""
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
    assert checked >= 4

"""An unavailable broker and channel layer."""

import json

import pytest

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, manage

pytestmark = pytest.mark.processes

POST = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from indicators.models import ComputationRun
client = Client(SERVER_NAME="127.0.0.1")
client.force_login(get_user_model().objects.create_user("staff", is_staff=True))
answer = client.post("/api/v1/indicators/runs/", content_type="application/json", data={
    "indicator": "entropy", "symbol": "ES", "start": 0, "end": 2_000_000_000_000,
    "parameters": {"n": 20}})
print(json.dumps([answer.status_code, answer.json()["detail"], answer["Retry-After"],
                  ComputationRun.objects.get().state]))
"""


COMPUTE_NOW = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from indicators.catalogue import CATALOGUE
from indicators.models import Reading
from instruments.models import Instrument
client = Client(SERVER_NAME="127.0.0.1")
client.force_login(get_user_model().objects.create_superuser("admin"))
chosen = {"action": "compute_now", "_selected_action": [Instrument.objects.get(symbol="ES").pk]}
page = client.post("/admin/instruments/instrument/", chosen, follow=True).content.decode()
count = Reading.objects.count()
print(json.dumps([f"{count} readings computed, but not published" in page,
                  count == len(CATALOGUE)]))
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """Return the environment of an hour of ES, with the address of an unreachable Redis."""
    url = seeded_database_url(tmp_path_factory.mktemp("market"))
    env = environment(url, f"redis://127.0.0.1:{free_port()}/0")
    span = ["--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T01:00:00Z"]
    manage("backfill", *span, "--seed", "7", "--instruments", "ES", env=env)
    return env


def shell(env, code):
    return json.loads(manage("shell", "-v0", "-c", code, env=env).splitlines()[-1])


def test_computation_is_refused_while_the_broker_is_unavailable(env):
    assert shell(env, POST) == [
        503,
        "the task broker is unavailable, nothing was started: try again",
        "2",
        "failed",
    ]


def test_admin_computes_and_reports_that_nothing_was_published(env):
    assert shell(env, COMPUTE_NOW) == [True, True]

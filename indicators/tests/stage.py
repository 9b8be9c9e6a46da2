"""A recorded market with runs in every state, and a member of staff."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from indicators import runs
from indicators.catalogue import CATALOGUE
from indicators.models import ComputationRun
from instruments.models import Instrument

State = ComputationRun.State
STEP = 5
"""Ticks between windows: a few chunks."""


def stage(symbol: str) -> str:
    """Store a run in each state; return the session key of a member of staff."""
    instrument = Instrument.objects.get(symbol=symbol)
    run = store_run(instrument, State.DONE)
    for index in range(run.chunk_count):
        runs.compute_chunk(run.pk, index)
    store_run(instrument, State.FAILED, "chunk 1 took longer than TASK_TIME_LIMIT_S = 120")
    store_run(instrument, State.CANCELLED)
    store_run(instrument, State.RUNNING, chunks_done=1)
    store_run(instrument, State.QUEUED)
    return staff_session()


def store_run(
    instrument: Instrument, state: State, error: str = "", chunks_done: int = 0
) -> ComputationRun:
    now = timezone.now()
    run = runs.plan_run(
        indicator="persistence",
        instrument=instrument,
        start=now - timedelta(hours=12),
        end=now,
        parameters=CATALOGUE["persistence"].read({}),
        step=STEP,
    )
    if state != State.DONE:
        ComputationRun.objects.filter(pk=run.pk).update(
            state=state, error=error, chunks_done=chunks_done
        )
    return run


def staff_session() -> str:
    user = get_user_model().objects.create_superuser("staff", password=None)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)

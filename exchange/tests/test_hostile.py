"""Hostile input at the doors of the exchange: a clear error each, nothing stored."""

from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exchange.models import Account, ApiKey, Command, LedgerEntry, Order
from exchange.tests.clients import Program, basic, funded, listed
from exchange.tests.hostile import attacks
from exchange.tests.test_private_topics import credentials, in_thread, socket
from quotes.tests.hostile import VALUES

ATTACKS = 400
STORED = (Account, ApiKey, Command, LedgerEntry, Order)
PER_SOCKET = 25
"""Fewer than a socket may send in a second."""
NO_CREDENTIALS: list[Any] = [None, {}, [], ["k"], [["k"]] * 3, "x"]
SEQS = [-1, 2**63, 1.5, "1", None, True, [1]]


def batched(messages: list[Any], size: int) -> list[list[Any]]:
    return [messages[n : n + size] for n in range(0, len(messages), size)]


def stored() -> list[int]:
    return [model.objects.count() for model in STORED]


@pytest.mark.both_databases
@pytest.mark.django_db
def test_hostile_requests_are_refused_and_store_nothing(settings: Settings) -> None:
    settings.EXCHANGE_ORDERS_PER_S = settings.EXCHANGE_ORDERS_BURST = 10**9
    settings.PRACTICE_RATE = ""
    listed("ES")
    program = Program(funded())
    client = Client(raise_request_exception=False, headers=basic(program.key, program.secret))
    before = stored()
    for attack in attacks(ATTACKS):
        answer = client.generic(
            attack.method,
            attack.path,
            attack.body.encode(),
            content_type="application/json",
            headers=attack.headers,
        )
        assert answer.status_code < 500, attack
        if attack.method == "POST":
            assert answer.status_code >= 400, attack
            assert answer["Content-Type"] == "application/problem+json", attack
    assert stored() == before


@pytest.mark.django_db(transaction=True)
async def test_hostile_messages_on_a_socket_are_answered_with_errors() -> None:
    made = await in_thread(lambda: Program(funded()))
    key, expires_ms, signature = credentials(made.key, made.secret)
    wrong: list[Any] = [{"op": "auth", "args": [text, expires_ms, signature]} for text in VALUES]
    wrong += [{"op": "auth", "args": [key, expires_ms, text]} for text in VALUES]
    wrong += [{"op": "auth", "args": args} for args in NO_CREDENTIALS]
    wrong += [{"op": "auth", "args": [key, seq, signature]} for seq in SEQS]
    for messages in batched(wrong, PER_SOCKET):
        async with socket() as attacker:
            for message in messages:
                assert (await attacker.send(**message))["op"] == "error", message
            good = credentials(made.key, made.secret)
            assert (await attacker.send(op="auth", args=good))["success"]


@pytest.mark.django_db(transaction=True)
async def test_hostile_subscriptions_of_an_account_are_answered_with_errors() -> None:
    made = await in_thread(lambda: Program(funded()))
    wrong: list[Any] = [{"args": [text]} for text in ("orders.1", "executions.*", *VALUES)]
    wrong += [{"args": ["orders"], "since": {"orders": seq}} for seq in SEQS]
    for messages in batched(wrong, PER_SOCKET):
        async with socket() as attacker:
            await attacker.send(op="auth", args=credentials(made.key, made.secret))
            for message in messages:
                answer = await attacker.send(op="subscribe", **message)
                assert answer["op"] == "error", message
            assert await attacker.send(op="ping") == {"op": "pong"}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_admin_pages_survive_hostile_addresses(admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    funded()
    chance = Random(3)
    for model in STORED:
        page = reverse(f"admin:exchange_{model._meta.model_name}_changelist")
        for text in chance.sample(VALUES, 4):
            value = quote(text)
            for query in (f"q={value}", f"p={value}&o={value}", f"account__id__exact={value}",
                          f"created_at__gte={value}", f"at__lt={value}"):  # fmt: skip
                assert admin_client.get(f"{page}?{query}").status_code < 500, (page, query)
            path = f"{page}{quote(text, safe='')}/change/"
            assert admin_client.get(path).status_code < 500, path

"""What ccxt's test data recorded of Bybit, made again at the door: answers have the same shapes."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from rig.conformance.bybitfixtures import (
    CLIENT_ORDER,
    CLOSED_ORDER,
    EXCEPTIONS,
    FIXTURES,
    OPEN_ORDER,
    REQUESTS,
    RESTING,
    SHAPES,
    SKIPPED,
    TRIGGER,
    Fixture,
    compared,
)
from rig.conformance.ccxtchecks import CcxtRest
from rig.conformance.matrix import Check, require
from rig.conformance.recordedrequests import Recorded, moved, requests_of
from rig.conformance.shapes import Difference, Kind, members
from rig.venues import Venue
from venues.bybit.signing import request_text, signature

ACCOUNT: Final = "recorded"
"""The account of these requests, with which nobody else trades."""
POSITION: Final = 0.5
NAME: Final = "recorded"
"""Client id of an order."""
TIMEOUT_S: Final = 20
NO_ERROR: Final = 0


@dataclass
class Findings:
    """What was compared, and how it differed."""

    called: list[Fixture] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    """Endpoints of which an answer had everything that Bybit's has."""
    excepted: dict[str, str] = field(default_factory=dict)
    added: dict[str, set[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Requests that got an error they may get, by code and reason."""

    def lines(self) -> Iterator[str]:
        """Yield what was compared, and everything that was not as recorded."""
        endpoints = {each.endpoint for each in self.called}
        compared = sum(members(SHAPES[endpoint]) for endpoint in self.complete)
        yield (
            f"\nRecorded answers: {len(self.called)} calls of ccxt to {len(endpoints)} endpoints, "
            f"all {compared} members of {len(self.complete)} as recorded"
        )
        yield from (f"  exception: {what}: {why}" for what, why in self.excepted.items())
        yield from (f"  not called: {what}: {why}" for what, why in SKIPPED.items())
        for endpoint, names in self.added.items():
            yield f"  more than recorded, {endpoint}: {', '.join(sorted(names))}"
        yield (
            f"\nRecorded requests: {self.codes.total()}, "
            f"{self.codes[NO_ERROR]} with retCode {NO_ERROR}"
        )
        yield from (f"  {count} with {what}" for what, count in self.refused.items())
        yield from (f"  FAILED {each}" for each in self.wrong)


class RecordedBybit:
    """Makes the recorded calls by an unmodified ccxt, and sends the recorded requests."""

    def __init__(self, venue: Venue) -> None:
        self.findings = Findings()
        self._venue = replace(venue, accounts={ACCOUNT: venue.accounts[ACCOUNT]})
        self._ccxt = CcxtRest(self._venue)

    def checks(self) -> Mapping[str, Check]:
        return {"answers as recorded": self.answers, "requests as recorded": self.requests}

    def answers(self) -> None:
        """Make each call, and compare what the door answered with what Bybit did."""
        there = self.prepared()
        for fixture in FIXTURES:
            self.call(fixture, there)
        self.conclude()

    def conclude(self) -> None:
        wrong = self.findings.wrong
        require(not wrong, f"{len(wrong)} answers are wrong, listed below")

    def prepared(self) -> Mapping[str, Any]:
        """Trade, so that there is something to list; return what takes the place of ids."""
        of, symbol = self._ccxt.exchange, self._ccxt.symbol
        resting = self._ccxt.rest_price()
        bought = of.create_order(symbol, "market", "buy", POSITION)["id"]
        of.create_order(symbol, "market", "sell", POSITION / 2, params={"reduceOnly": True})
        of.create_order(symbol, "limit", "buy", 0.1, resting, {"clientOrderId": NAME})
        return {
            OPEN_ORDER: self._ccxt.place(),
            CLOSED_ORDER: bought,
            CLIENT_ORDER: NAME,
            RESTING: resting,
            TRIGGER: resting,
        }

    def call(self, fixture: Fixture, there: Mapping[str, Any]) -> None:
        """Make one call; note how its answer differs from the recorded one."""
        of = self._ccxt.exchange
        getattr(of, of.un_camel_case(fixture.method))(*placed(fixture.input, there))
        path = urlsplit(of.last_request_url).path
        answer = json.loads(of.last_http_response)
        found = self.findings
        if not fixture.endpoint.endswith(path):
            found.wrong.append(f"{fixture.method} asked {path} instead of {fixture.endpoint}")
            return
        differences = sorted(compared(fixture.endpoint, answer))
        for each in differences:
            self.note(fixture, each)
        found.called.append(fixture)
        if all(each.kind is Kind.ADDED for each in differences):
            found.complete.add(fixture.endpoint)

    def note(self, fixture: Fixture, found: Difference) -> None:
        reason = EXCEPTIONS.get((fixture.method, found.at))
        if found.kind is Kind.ADDED:
            self.findings.added.setdefault(fixture.endpoint, set()).add(found.at)
        elif reason is not None:
            self.findings.excepted[f"{fixture.method}, {found}"] = reason
        else:
            self.findings.wrong.append(f"{fixture.method}, {fixture.endpoint}: {found}")

    def requests(self) -> None:
        """Send each recorded request as it is, but for its prices; each gets a code it may get."""
        of, symbol = self._ccxt.exchange, self._ccxt.symbol
        price = float(of.fetch_ticker(symbol)["last"])
        for request in requests_of(REQUESTS):
            status, code, text = self.send(request, moved(request.body, price))
            self.findings.codes[code] += 1
            if code not in request.codes:
                self.findings.wrong.append(f"{request.line}: HTTP {status}, {code} {text}")
            elif code != NO_ERROR:
                self.findings.refused[f"{code}: {request.reason}"] += 1
        self.conclude()

    def send(self, request: Recorded, body: str) -> tuple[int, int, str]:
        """Return status, retCode and retMsg of the answer to a request, signed."""
        key, stamp = self._venue.key, str(time.time_ns() // 1_000_000)
        sent = (body if request.method == "POST" else request.query).encode()
        asked = urllib.request.Request(
            f"{self._venue.http}{request.path}{request.query and f'?{request.query}'}",
            data=body.encode() if request.method == "POST" else None,
            method=request.method,
            headers={
                "Content-Type": "application/json",
                "X-BAPI-API-KEY": key,
                "X-BAPI-TIMESTAMP": stamp,
                "X-BAPI-RECV-WINDOW": "5000",
                "X-BAPI-SIGN": signature(
                    self._venue.secret, request_text(stamp, key, "5000", sent)
                ),
            },
        )
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
                status, read = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            status, read = error.code, json.load(error)
        return status, read["retCode"], read["retMsg"]


def placed(value: Any, there: Mapping[str, Any]) -> Any:
    """Return an input with what exists at the door in place of the names for it."""
    if isinstance(value, str):
        return there.get(value, value)
    if isinstance(value, dict):
        return {name: placed(inner, there) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(placed(inner, there) for inner in value)
    return value

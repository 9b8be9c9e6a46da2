"""Unmodified pybit and ccxt against a real server; the door on a port of its own."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ccxt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, manage, running, wait_for_http
from rig.waiting import wait_until

pytestmark = pytest.mark.processes
SYMBOL = "BTC/USDT:USDT"
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


@dataclass(frozen=True)
class Site:
    """A running market and an account there."""

    url: str
    key: str
    secret: str
    env: dict[str, str]

    def pybit(self) -> Any:
        session = HTTP(api_key=self.key, api_secret=self.secret)
        session.endpoint = f"{self.url}/bybit"
        return session

    def ccxt(self) -> Any:
        base = f"{self.url}/bybit"
        return ccxt.bybit(
            {
                "apiKey": self.key,
                "secret": self.secret,
                "enableRateLimit": False,
                "options": {"defaultType": "linear"},
                "urls": {"api": {"public": base, "private": base}},
            }
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    env = environment(seeded_database_url(tmp_path_factory.mktemp("bybit")))
    made = json.loads(manage("openaccount", "bot", "--balance", "100000", "--json", env=env))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        "runsim", "--serve", f"127.0.0.1:{port}", "--instruments", "BTCUSDT", env=env
    ) as process:
        wait_for_http(f"{url}/livez", process)
        site = Site(url, made["api_key"], made["api_secret"], env)
        session = site.pybit()
        wait_until(lambda: has_book(session), "the book is recorded")
        wait_until(lambda: accepts_orders(session), "the book has caught up with its quotes")
        yield site


def has_book(session: Any) -> bool:
    book = session.get_orderbook(**LINEAR)["result"]
    return bool(book["b"] and book["a"])


def accepts_orders(session: Any) -> bool:
    """Return whether the exchange accepts an order; cancel it."""
    try:
        made = session.place_order(
            **LINEAR, side="Buy", orderType="Limit", qty="0.01", price="60000"
        )
    except InvalidRequestError:  # 10016: the book is behind, or nothing runs yet
        return False
    session.cancel_order(**LINEAR, orderId=made["result"]["orderId"])
    return True


def test_pybit_trades(site: Site) -> None:
    session = site.pybit()
    assert len(session.get_server_time()["result"]["timeNano"]) == 19
    (ticker,) = session.get_tickers(**LINEAR)["result"]["list"]
    bid = float(ticker["bid1Price"])
    assert bid < float(ticker["ask1Price"])
    far = f"{bid - 50:.1f}"
    made = session.place_order(
        **LINEAR, side="Buy", orderType="Limit", qty="0.01", price=far, orderLinkId="mine"
    )
    assert made["result"]["orderLinkId"] == "mine"
    (order,) = session.get_open_orders(**LINEAR)["result"]["list"]
    assert (order["orderStatus"], order["price"]) == ("New", far)
    session.amend_order(**LINEAR, orderLinkId="mine", qty="0.02")
    session.cancel_order(**LINEAR, orderLinkId="mine")
    with pytest.raises(InvalidRequestError, match="110001"):
        session.cancel_order(**LINEAR, orderLinkId="mine")
    session.place_order(**LINEAR, side="Buy", orderType="Market", qty=0.01)
    (held,) = session.get_positions(category="linear", settleCoin="USDT")["result"]["list"]
    assert (held["side"], held["size"]) == ("Buy", "0.010")
    session.place_order(**LINEAR, side="Sell", orderType="Market", qty="0.01", reduceOnly=True)
    (closed,) = session.get_closed_pnl(category="linear")["result"]["list"]
    assert closed["closedSize"] == "0.010"
    one = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": far}
    placed = session.place_batch_order(category="linear", request=[one] * 3)
    assert [each["code"] for each in placed["retExtInfo"]["list"]] == [0, 0, 0]
    cancelled = session.cancel_all_orders(**LINEAR)["result"]["list"]
    assert len(cancelled) == 3
    with pytest.raises(FailedRequestError, match="404"):
        session.get_insurance()


def test_ccxt_trades(site: Site) -> None:
    exchange = site.ccxt()
    assert SYMBOL in exchange.load_markets()
    ticker = exchange.fetch_ticker(SYMBOL)
    book = exchange.fetch_order_book(SYMBOL, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(exchange.fetch_ohlcv(SYMBOL, "1m", limit=1)) == 1
    assert exchange.fetch_trades(SYMBOL, limit=3)[0]["symbol"] == SYMBOL
    price = round(ticker["bid"] - 50, 1)
    order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, price)
    assert exchange.fetch_open_order(order["id"], SYMBOL)["status"] == "open"
    exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, price)
    exchange.cancel_order(order["id"], SYMBOL)
    found = exchange.fetch_order(order["id"], SYMBOL, {"acknowledged": True})
    assert (found["status"], found["amount"], found["price"]) == ("canceled", 0.02, price)
    exchange.create_order(SYMBOL, "market", "buy", 0.01)
    position = exchange.fetch_position(SYMBOL)
    assert (position["contracts"], position["side"]) == (0.01, "long")
    exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert {trade["symbol"] for trade in exchange.fetch_my_trades(SYMBOL)} == {SYMBOL}
    assert exchange.fetch_balance()["USDT"]["total"] > 99_000
    made = exchange.create_orders(
        [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": price}] * 2
    )
    assert len(exchange.cancel_orders([each["id"] for each in made], SYMBOL)) == 2
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SYMBOL, "limit", "buy", 1_000, price)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("1000000", SYMBOL)
    exchange.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()


def test_door_on_a_port_of_its_own_serves_tls_under_any_prefix(site: Site, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    port = free_port()
    with running(
        "runvenue", "bybit", f"127.0.0.1:{port}", "--tls", certificate, key, env=site.env
    ) as process:
        assert first_line(process) == f"https://127.0.0.1:{port}"
        session = HTTP(domain=f"@127.0.0.1:{port}/bybit", api_key=site.key, api_secret=site.secret)
        session.client.verify = certificate
        far = session.get_orderbook(**LINEAR)["result"]["b"][0][0].partition(".")[0]
        made = session.place_order(
            **LINEAR, side="Buy", orderType="Limit", qty="0.01", price=str(int(far) - 100)
        )
        session.cancel_order(**LINEAR, orderId=made["result"]["orderId"])


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def self_signed(folder: Path) -> tuple[str, str]:
    """Write a certificate for 127.0.0.1 and its key; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(certificate.public_bytes(encoding))
    (folder / "key.pem").write_bytes(
        key.private_bytes(encoding, private, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")

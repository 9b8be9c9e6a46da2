"""What an account is worth now: balance, margins and positions at the present marks."""

from dataclasses import dataclass

from exchange.accounts import loading
from exchange.accounts.listings import Held
from exchange.clearing.accounts import Account as DeskAccount
from exchange.clearing.accounts import Contract, Holding
from exchange.clearing.margin import maintenance_margin
from exchange.clearing.valuation import Valuation, liquidation_ticks, valuation
from exchange.models import Account, Position
from instruments.models import Instrument
from market.times import to_microseconds


@dataclass(frozen=True)
class Statement:
    """`version` rises with balance and positions."""

    version: int
    balance: int
    valuation: Valuation
    positions: list[Held]


def statement(key: int) -> Statement:
    """Return the statement of an account."""
    version = Account.objects.values_list("version", flat=True).get(pk=key)
    (account,) = loading.accounts([key])
    instruments = Instrument.objects.in_bulk(list(account.holdings))
    contracts = {each.instrument: each for each in loading.contracts(instruments.values())}
    for unmarked in [key for key in account.holdings if key not in contracts]:
        del account.holdings[unmarked]  # without quotes there is nothing but a leverage
    stored = {row.instrument_id: row for row in Position.objects.filter(account=key)}
    held = [
        _held(account, instruments[each], contracts, stored.get(each) or Position())
        for each in sorted(account.holdings)
    ]
    return Statement(version, account.balance, valuation(account, contracts), held)


def _held(
    account: DeskAccount,
    instrument: Instrument,
    contracts: dict[int, Contract],
    stored: Position,
) -> Held:
    contract, holding = contracts[instrument.pk], account.holdings[instrument.pk]
    return Held(
        instrument=instrument,
        lots=holding.position.lots,
        cost=holding.position.cost,
        leverage=holding.leverage,
        mark=contract.mark,
        unrealised=_unrealised(holding, contract),
        margin=maintenance_margin(abs(holding.position.lots) * contract.mark * contract.tick_value),
        liquidation=liquidation_ticks(account, contracts, instrument.pk),
        realised=stored.realised,
        fees=stored.fees,
        funding=stored.funding,
        updated_at=0 if stored.pk is None else to_microseconds(stored.updated_at),
    )


def _unrealised(holding: Holding, contract: Contract) -> int:
    return holding.position.unrealised(contract.mark, contract.tick_value)

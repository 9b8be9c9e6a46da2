from decimal import Decimal, Underflow, localcontext

import pytest

from instruments.lattice import Lattice, OffLatticeError


@pytest.mark.parametrize(
    ("tick_size", "ticks", "price"),
    [("0.25", 20_001, "5000.25"), ("0.00001", 108_500, "1.08500"), ("1", 39_000, "39000"),
     ("0.015625", 7_041, "110.015625")],
)  # fmt: skip
def test_ticks_and_prices_convert_exactly(tick_size: str, ticks: int, price: str) -> None:
    lattice = Lattice(Decimal(tick_size))
    assert str(lattice.price(ticks)) == price
    assert lattice.number(ticks) == float(price)
    assert lattice.ticks(Decimal(price)) == ticks


@pytest.mark.parametrize("price", ["5000.1", "0", "-1", "NaN", "Infinity"])
def test_price_off_the_lattice_is_rejected_with_its_value(price: str) -> None:
    with pytest.raises(OffLatticeError, match=price):
        Lattice(Decimal("0.25")).ticks(Decimal(price))


@pytest.mark.parametrize(
    ("lot_size", "lots", "quantity"), [("1", 3, "3"), ("0.001", 1_500, "1.500"), ("10", 2, "20")]
)
def test_lots_and_quantities_convert_exactly(lot_size: str, lots: int, quantity: str) -> None:
    lattice = Lattice(Decimal("0.25"), Decimal(lot_size))
    assert str(lattice.quantity(lots)) == quantity
    assert lattice.lots(Decimal(quantity)) == lots


@pytest.mark.parametrize("quantity", ["0.0015", "0", "-1", "NaN", "1E-999999999"])
def test_quantity_off_the_lattice_is_rejected_with_its_value(quantity: str) -> None:
    with pytest.raises(OffLatticeError, match=f"quantity {quantity}"):
        Lattice(Decimal("0.25"), Decimal("0.001")).lots(Decimal(quantity))


def test_context_of_the_caller_does_not_matter() -> None:
    with localcontext() as context:
        context.traps[Underflow] = True
        with pytest.raises(OffLatticeError):
            Lattice(Decimal("0.25")).ticks(Decimal("1E-999999999"))

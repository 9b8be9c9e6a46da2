"""Exact values of measures over windows of a simulated market, from its recorded parameters."""

from dataclasses import fields
from typing import Final

import numpy as np

from archive import records
from archive.scanning import scan
from archive.selections import Span
from exchange.flow.parameters import FlowParameters
from exchange.kinds import FLOW
from indicators.estimate import IntArray
from indicators.readers import Measures
from instruments.models import Instrument
from market.kinds import Kind, Rows
from orderflow.measures.exact import EXACT, Law
from quotes.kinds import QUOTES, REGIMES

PARAMETERS: Final = tuple(field.name for field in fields(FlowParameters))


def exact_values(
    measures: Measures, instrument: Instrument, first_slot: IntArray, last_slot: IntArray
) -> list[list[float | None]]:
    """Return, for each measure, its exact value over the slots first ... last of each window.

    None where it has none, or where the law or the flow is not known.
    """
    laws = SlotLaws(instrument, int(first_slot[0]), int(last_slot[-1]))
    windows = [
        laws.between(*ends) for ends in zip(first_slot.tolist(), last_slot.tolist(), strict=True)
    ]
    return [
        [
            EXACT[indicator.name].of(window, parameters) if indicator.name in EXACT else None
            for window in windows
        ]
        for indicator, parameters in measures
    ]


class SlotLaws:
    """The stretches of slots, between two bounds, in which one law holds."""

    def __init__(self, instrument: Instrument, first: int, last: int) -> None:
        regimes, flow = (_in_force(kind, instrument, first, last) for kind in (REGIMES, FLOW))
        self._firsts = np.empty(0, np.int64)
        self._laws: list[Law] = []
        if not len(regimes) or not len(flow):
            return
        firsts = np.unique(np.concatenate([regimes["first_seq"], flow["first_slot"]]))
        self._firsts = firsts[firsts >= max(regimes["first_seq"][0], flow["first_slot"][0])]
        phis = _by_slot(regimes, "first_seq", self._firsts)["phi"].tolist()
        flows = _by_slot(flow, "first_slot", self._firsts)
        self._laws = [
            Law(phi=phi, kappa=float(row["kappa"]), flow=_parameters(row))
            for phi, row in zip(phis, flows, strict=True)
        ]

    def between(self, first: int, last: int) -> list[tuple[Law, float]]:
        """Return the laws of the slots first ... last, each with the number of its slots.

        Empty if the law of any of them is not known.
        """
        begin = int(np.searchsorted(self._firsts, first, side="right")) - 1
        end = int(np.searchsorted(self._firsts, last, side="right"))
        if begin < 0:
            return []
        starts = np.maximum(self._firsts[begin:end], first)
        lengths = np.diff(starts, append=last + 1).astype(float)
        return list(zip(self._laws[begin:end], lengths.tolist(), strict=True))


def _in_force(kind: Kind, instrument: Instrument, first: int, last: int) -> Rows:
    """Return the records of what applied in the slots that the quotes `first` to `last` end.

    The last of these quotes may not be there yet.
    """
    newest = [_newest_before(kind, instrument, seq) for seq in (first, last)]
    return records.read(kind, instrument, max(0, newest[0] - 1), newest[1])


def _newest_before(kind: Kind, instrument: Instrument, slot: int) -> int:
    """Return the seq of the newest record at the time of a quote, or now if there is none."""
    quote = records.read(QUOTES, instrument, slot - 1, slot)
    end = int(quote["at"][0]) + 1 if len(quote) else None
    found = scan(kind, instrument, fields=("seq",), limit=1, newest=True, span=Span(None, end))
    return int(found["seq"][0]) if len(found) else 0


def _by_slot(rows: Rows, field: str, slots: IntArray) -> Rows:
    """Return the record in force in each slot; `field`: the first slot of each record."""
    return rows[np.searchsorted(rows[field], slots, side="right") - 1]


def _parameters(row: np.void) -> FlowParameters:
    return FlowParameters(**{name: row[name].item() for name in PARAMETERS})

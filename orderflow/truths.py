"""Exact values of measures over windows of a simulated market, from its recorded parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from archive import records
from archive.rangescans import scan
from archive.selections import Span
from exchange.flow.parameters import FlowParameters
from exchange.kinds import FLOW
from indicators.catalogue import Value
from indicators.estimate import FloatMatrix, IntArray
from indicators.readers import Measures
from instruments.models import Instrument
from market.kinds import Kind, Rows
from orderflow.measures.exact import EXACT, Exact, Law
from quotes.kinds import QUOTES, REGIMES

PARAMETERS: Final = tuple(field.name for field in fields(FlowParameters))


def exact_values(
    measures: Measures, instrument: Instrument, first_slot: IntArray, last_slot: IntArray
) -> list[list[float | None]]:
    """Return, for each measure, its exact value over the slots first ... last of each window.

    None where it has none, or where the law or the flow is not known.
    """
    spans = LawSpans.read(instrument, int(first_slot[0]), int(last_slot[-1]))
    return [
        spans.values(EXACT[indicator.name], parameters, first_slot, last_slot)
        if indicator.name in EXACT
        else [None] * len(first_slot)
        for indicator, parameters in measures
    ]


@dataclass(frozen=True)
class LawSpans:
    """Spans of slots in which one law holds, and its first slot; the last span has no end."""

    firsts: IntArray
    laws: list[Law]

    @classmethod
    def read(cls, instrument: Instrument, first: int, last: int) -> Self:
        """Return the spans from `first` to `last`, as far as law and flow are recorded."""
        regimes, flow = (_in_force(kind, instrument, first, last) for kind in (REGIMES, FLOW))
        if not len(regimes) or not len(flow):
            return cls(np.empty(0, np.int64), [])
        firsts = np.unique(np.concatenate([regimes["first_seq"], flow["first_slot"]]))
        firsts = firsts[firsts >= max(regimes["first_seq"][0], flow["first_slot"][0])]
        phis = _by_slot(regimes, "first_seq", firsts)["phi"].tolist()
        flows = _by_slot(flow, "first_slot", firsts)
        laws = [
            Law(phi=phi, kappa=float(row["kappa"]), flow=_parameters(row))
            for phi, row in zip(phis, flows, strict=True)
        ]
        return cls(firsts, laws)

    def values(
        self, exact: Exact, parameters: Mapping[str, Value], first: IntArray, last: IntArray
    ) -> list[float | None]:
        """Return the exact value over the slots first ... last of each window."""
        moments = exact.moments_of(self.laws, parameters)
        if moments is None:
            return [None] * len(first)
        # The sum of a moment over all slots before a slot grows linearly within a span.
        whole = moments[:-1] * np.diff(self.firsts)[:, None]
        before = np.concatenate([np.zeros((1, moments.shape[1])), np.cumsum(whole, axis=0)])

        def sum_before(slots: IntArray) -> FloatMatrix:
            span = np.maximum(np.searchsorted(self.firsts, slots, side="right") - 1, 0)
            passed = (slots - self.firsts[span])[:, None]
            sums: FloatMatrix = before[span] + moments[span] * passed
            return sums

        means = (sum_before(last + 1) - sum_before(first)) / (last + 1 - first)[:, None]
        known = (first >= self.firsts[0]).tolist()
        return [
            exact.value(*row) if is_known else None
            for row, is_known in zip(means.tolist(), known, strict=True)
        ]


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

"""Records of the flow in force: one for each regime of the law, and one where a book opens."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from exchange.flow.lawahead import LawAhead
from exchange.flow.parameters import FlowParameters
from exchange.kinds import FLOW
from market.kinds import Rows

PARAMETER_NAMES = tuple(field.name for field in fields(FlowParameters))


class FlowRecords:
    def __init__(self, tail: int = 0, *, due: bool = True) -> None:
        """`tail`: the seq of the last record. `due`: whether the next slot needs one anyway."""
        self.seq = tail
        self.due = due

    def of_slots(
        self,
        law: LawAhead,
        slots: int,
        parameters: FlowParameters,
        share_of: Callable[[int], float],
    ) -> Rows:
        """Return the records that begin in the next `slots` slots, at least one.

        Call this once for each slot.

        `share_of`: the informed share of a regime, by its number.
        """
        begun = law.regimes(slots)
        if self.due and law.next_seq not in begun:
            begun = {law.next_seq: law.regime_number(law.next_seq)} | begun
        self.due = False
        rows = np.empty(len(begun), FLOW.dtype)
        rows["instrument"] = law.law.instrument
        rows["seq"] = self.seq + 1 + np.arange(len(begun))
        rows["first_slot"] = list(begun)
        rows["at"] = [law.law.at(slot) for slot in begun]
        rows["kappa"] = [share_of(number) for number in begun.values()]
        for name in PARAMETER_NAMES:
            rows[name] = getattr(parameters, name)
        self.seq += len(begun)
        return rows

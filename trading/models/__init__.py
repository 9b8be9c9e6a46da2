"""Tables of bots: what was intended, what became of it, and the log of every operation.

Money is in MONEY_UNITS, prices in ticks, quantities in lots.
"""

from trading.models.bots import Bot, BotConfiguration, KillSwitch
from trading.models.log import AuditEntry, AuditHead
from trading.models.operations import IdempotencyRecord
from trading.models.orders import BotFill, BotOrder
from trading.models.positions import BotPosition, FundingPayment, FundingSeen
from trading.models.recoveries import Recovery
from trading.models.transitions import Transition

__all__ = [
    "AuditEntry",
    "AuditHead",
    "Bot",
    "BotConfiguration",
    "BotFill",
    "BotOrder",
    "BotPosition",
    "FundingPayment",
    "FundingSeen",
    "IdempotencyRecord",
    "KillSwitch",
    "Recovery",
    "Transition",
]

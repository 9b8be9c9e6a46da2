"""Registries of what else happens with new records: in their transaction, and after it.

A projection updates ordinary tables, e.g. the state of an order from its events, so that these
agree with the records whatever process is killed. A callback after the commit may notify threads
that wait for the records.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from market.kinds import Delivery, Kind, Rows

Project = Callable[[Rows], None]
ProjectAll = Callable[[Sequence[Delivery]], None]

_projections: dict[str, list[Project]] = {}
_callbacks: dict[str, list[Project]] = {}
_last: list[ProjectAll] = []


def register(kind: Kind, project: Project) -> None:
    """Call `project` in the transaction that stores records of `kind`, once for each record.

    It receives the transaction's records of all streams of the kind, each stream ascending. If it
    raises an error, nothing is stored. Projections run in the order of their registration. What
    they execute with `statements.execute` may be executed later than other statements.
    """
    _projections.setdefault(kind.name, []).append(project)


def register_last(project: ProjectAll) -> None:
    """Call `project` with everything that a transaction stores, after all other projections.

    What was committed is published as the same sequence, unless the answer to a COMMIT was lost.
    """
    _last.append(project)


def after_commit(kind: Kind, callback: Project) -> None:
    """Call `callback` in the journal's thread with records of `kind` that were committed."""
    _callbacks.setdefault(kind.name, []).append(callback)


def project(deliveries: Sequence[Delivery]) -> None:
    """Run all projections of records that the current transaction stores."""
    _run(_projections, deliveries)
    for function in _last:
        function(deliveries)


def announce(deliveries: Sequence[Delivery]) -> None:
    """Run all callbacks of committed records."""
    _run(_callbacks, deliveries)


def _run(registry: dict[str, list[Project]], deliveries: Iterable[Delivery]) -> None:
    found: dict[str, list[Rows]] = {}
    for kind, rows in deliveries:
        if kind.name in registry:
            found.setdefault(kind.name, []).append(rows)
    for name, functions in registry.items():
        if name in found:
            rows = np.concatenate(found[name])
            for function in functions:
                function(rows)

"""The computations of the order-flow page, compared with obvious ones."""

import math
from typing import Any

import pytest

from orderflow.tests.naivebars import bars_of, make_trades, value_area
from rig.modules import run_module

pytestmark = pytest.mark.processes
MINUTE_MS = 60_000
BUILD = """
  const { BarBuilder, joinBars } = await import("./orderflow/bar-builder.js");
  const { mergeCells, valueArea } = await import("./orderflow/cells.js");
  const build = (timeframe, step) => {
    const builder = new BarBuilder(timeframe, () => step);
    for (const trade of input.trades) builder.add(...trade);
    builder.settle(0);
    return builder.bars;
  };
"""


def without_time(bars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return bars without the seconds for the chart, which follow from openedAt."""
    assert all(bar["time"] * 1000 == bar["openedAt"] for bar in bars)
    return [{name: value for name, value in bar.items() if name != "time"} for bar in bars]


def test_bars_from_trades_and_from_shorter_bars_are_exact() -> None:
    trades = make_trades(4_000)
    found = run_module(
        f"""{BUILD}
        const minutes = build("1m", 2);
        const hours = new Map();
        for (const bar of minutes) {{
          const opened = Math.floor(bar.openedAt / 300000) * 300000;
          if (!hours.has(opened)) hours.set(opened, []);
          hours.get(opened).push(bar);
        }}
        const joined = [...hours].map(([opened, bars]) => joinBars(bars, opened));
        const merged = mergeCells(minutes, 6);
        return {{ minutes, five: build("5m", 2), joined, merged, area: valueArea(merged) }};
        """,
        {"trades": trades},
    )
    assert without_time(found["minutes"]) == bars_of(trades, MINUTE_MS, 2)
    assert without_time(found["five"]) == bars_of(trades, 5 * MINUTE_MS, 2)
    assert found["joined"] == found["five"]
    (whole,) = bars_of(trades, 2**50, 6)
    assert found["merged"] == whole["cells"]
    area = value_area(
        whole["cells"]["ticks"],
        [s + b for s, b in zip(whole["cells"]["sell"], whole["cells"]["buy"], strict=True)],
    )
    assert found["area"] == {**area, "volume": whole["volume"]}


def test_cells_of_the_api_are_read_as_whole_ticks_and_lots() -> None:
    row = [60_000, 0.3, 0.7, 0.1, 0.7, 0.9, 0.1, -0.2, 0.3, 0.6, 0.1, 0.6, 5,
           [[0.0, 0.1, 0.2, 3], [0.5, 0.3, 0.3, 2]], 4, 8]  # fmt: skip
    columns = ["opened_at", "open", "high", "low", "close", "volume", "delta", "delta_min",
               "delta_max", "poc", "value_low", "value_high", "step", "clusters", "first_seq",
               "last_seq"]  # fmt: skip
    (bar,) = run_module(
        """const { readBars } = await import("./orderflow/bars.js");
        return readBars(input, { tickSize: 0.1, lotSize: 0.1 });""",
        {"columns": columns, "rows": [row]},
    )
    assert (bar["open"], bar["close"], bar["volume"], bar["deltaMin"], bar["trades"]) == (
        3,
        7,
        9,
        -2,
        5,
    )
    assert bar["cells"] == {"ticks": [0, 5], "sell": [1, 3], "buy": [2, 3], "trades": [3, 2]}


def test_diagonal_imbalances_compare_with_the_next_row_and_stack() -> None:
    """Rows of 2 ticks; the row at 110 has no neighbour below."""
    cells = {
        "ticks": [100, 102, 104, 106, 110],
        "sell": [10, 10, 10, 200, 40],
        "buy": [0, 40, 45, 39, 30],
        "trades": [1] * 5,
    }
    found = run_module(
        """const { diagonalImbalances, stackedImbalances } =
          await import("./orderflow/imbalances.js");
        const usual = { ratio: 300, difference: 30, ignoreZeros: false };
        const marks = (more) => diagonalImbalances(input, 2, { ...usual, ...more });
        return {
          marks: marks({}), strict: marks({ ratio: 401 }), zeros: marks({ ignoreZeros: true }),
          wide: marks({ difference: 31 }),
          two: stackedImbalances(input, 2, [0, 1, 2, -1, -1], 2),
          three: stackedImbalances(input, 2, [0, 1, 1, 1, 1], 3),
        };""",
        cells,
    )
    # buy[p] against sell[p - 2]: 40/10, 45/10, 39/10 (29 more: too few), 30/nothing.
    # sell[p] against buy[p + 2]: 200/nothing, 40/nothing.
    assert found["marks"] == [0, 1, 1, -1, 2]
    assert found["strict"] == [0, 0, 1, -1, 2]
    assert found["zeros"] == [0, 1, 1, 0, 0]
    assert found["wide"] == [0, 0, 1, -1, -1]
    assert found["two"] == [
        {"side": "buy", "low": 102, "high": 104},
        {"side": "sell", "low": 104, "high": 106},
    ]
    assert found["three"] == [{"side": "buy", "low": 102, "high": 106}]


def test_absorption_is_heavy_aggression_at_an_end_that_did_not_move_the_price() -> None:
    cells = {
        "ticks": [100, 101, 102, 103],
        "sell": [80, 5, 10, 5],
        "buy": [3, 9, 8, 60],
        "trades": [1] * 4,
    }
    found = run_module(
        """const { absorptions } = await import("./orderflow/absorption.js");
        const usual = { ratio: 300, volume: 30 };
        const of = (close, more) =>
          absorptions({ cells: input, step: 1, close }, { ...usual, ...more });
        return [of(102), of(100), of(103), of(102, { volume: 81 }), of(102, { ratio: 321 })];""",
        cells,
    )
    sold = {"side": "sell", "ticks": 100, "lots": 80}
    bought = {"side": "buy", "ticks": 103, "lots": 60}
    assert found == [[sold, bought], [bought], [sold], [], []]


def test_auctions_are_unfinished_where_both_sides_traded_at_an_end() -> None:
    def bar(sell: list[int], buy: list[int]) -> dict[str, Any]:
        return {"cells": {"ticks": [100, 102, 104], "sell": sell, "buy": buy}}

    found = run_module(
        """const { unfinishedAuctions } = await import("./orderflow/unfinished-auctions.js");
        return input.map(unfinishedAuctions);""",
        [bar([5, 9, 1], [0, 9, 4]), bar([5, 0, 0], [2, 0, 4]), bar([5, 9, 0], [0, 9, 4])],
    )
    high, low = {"end": "high", "ticks": 104}, {"end": "low", "ticks": 100}
    assert found == [[high], [low], []]


def test_fills_of_one_order_are_joined() -> None:
    rows = [
        [1, 50, 10.0, 2, "buy"],
        [2, 50, 10.5, 3, "buy"],
        [3, 50, 10.5, 1, "sell"],  # another side
        [4, 51, 10.5, 1, "sell"],  # another moment
        [6, 51, 10.5, 4, "sell"],  # a fill between them is missing
    ]
    found = run_module(
        """const { joinFills } = await import("./trading/order-fills.js");
        return [joinFills(input), joinFills([])];""",
        rows,
    )
    assert found == [[[2, 50, 10.5, 5, "buy"], *rows[2:]], []]


def test_naked_points_of_control_equal_a_plain_search() -> None:
    bars = bars_of(make_trades(6_000, seed=4), MINUTE_MS, 2)
    found = run_module(
        """const { nakedPocs } = await import("./orderflow/naked-pocs.js");
        return { all: nakedPocs(input), three: nakedPocs(input, 3) };""",
        bars,
    )
    naked = [
        {"index": i, "ticks": bar["poc"], "step": 2}
        for i, bar in enumerate(bars)
        if not any(
            later["low"] <= bar["poc"] + 1 and bar["poc"] <= later["high"]
            for later in bars[i + 1 :]
        )
    ]
    assert 3 < len(naked) < len(bars)
    assert found == {"all": naked[::-1], "three": naked[::-1][:3]}


def test_vwap_and_its_deviation_equal_those_of_the_trades() -> None:
    """Across a session boundary, with trades before the first bar, and from an anchor."""
    trades = make_trades(3_000, seed=2, start=1_767_225_600_000 - 30 * MINUTE_MS)
    bars = bars_of(trades, MINUTE_MS, 1)
    found = run_module(
        """const { vwap, WeightedPrices } = await import("./orderflow/vwap.js");
        const before = new WeightedPrices(20000);
        input.slice(0, 5).forEach(({ cells, step }) => before.add(cells, step));
        const anchor = input[7].openedAt;
        return { session: vwap(input.slice(5), { before }), anchored: vwap(input, { anchor }) };""",
        bars,
    )
    midnight = 1_767_225_600_000
    for bar, point in zip(bars[5:], found["session"], strict=True):
        start = midnight if bar["openedAt"] >= midnight else 0
        check_mean(point, [t for t in trades if start <= t[1] and t[0] <= bar["lastSeq"]])
    assert found["anchored"][:7] == [None] * 7
    check_mean(found["anchored"][-1], [t for t in trades if t[1] >= bars[7]["openedAt"]])


def check_mean(point: dict[str, float], trades: list[Any]) -> None:
    volume = sum(trade[3] for trade in trades)
    mean = sum(trade[2] * trade[3] for trade in trades) / volume
    variance = sum(trade[3] * (trade[2] - mean) ** 2 for trade in trades) / volume
    assert point["mean"] == pytest.approx(mean, rel=1e-12)
    assert point["deviation"] == pytest.approx(math.sqrt(variance), rel=1e-6, abs=1e-6)


def test_cumulative_delta_begins_anew_each_session_if_asked() -> None:
    day = 86_400_000
    bars = [
        {"openedAt": day - 60_000, "time": 0, "delta": 5, "deltaMin": -2, "deltaMax": 8},
        {"openedAt": day, "time": 1, "delta": -3, "deltaMin": -4, "deltaMax": -1},
    ]
    reset, running = run_module(
        """const { cumulativeDelta } = await import("./orderflow/vwap.js");
        return [cumulativeDelta(input, true), cumulativeDelta(input, false)];""",
        bars,
    )
    assert reset[1] == {"time": 1, "open": 0, "high": 0, "low": -4, "close": -3}
    assert running == [
        {"time": 0, "open": 0, "high": 8, "low": -2, "close": 5},
        {"time": 1, "open": 5, "high": 5, "low": 1, "close": 2},
    ]


def test_fills_of_one_order_are_one_print() -> None:
    rows = [
        [1, 10, 5.0, 2, "buy"], [2, 10, 5.5, 2, "buy"], [3, 10, 5.5, 4, "sell"],
        [4, 11, 5.5, 9, "sell"], [4, 11, 5.5, 9, "sell"], [6, 11, 5.5, 9, "sell"],
    ]  # fmt: skip
    found = run_module(
        """const { Prints, select } = await import("./orderflow/prints.js");
        const prints = new Prints(1, { tickSize: 0.5, lotSize: 1 });
        input.forEach((row) => prints.take([row]));
        const { found } = prints;
        return { all: found, large: select(found, 5, 1), most: select(found, "auto", 2) };""",
        rows,
    )
    assert [(p["seq"], p["lots"], p["ticks"]) for p in found["all"]] == [
        (2, 4, 10.5), (3, 4, 11), (4, 9, 11), (6, 9, 11),
    ]  # fmt: skip
    assert [p["seq"] for p in found["large"]] == [4, 6]
    assert [p["seq"] for p in found["most"]] == [4]  # 2 % of four, rounded up


def test_a_view_with_too_many_trades_to_read_has_no_bubbles() -> None:
    """Those of a part of the view would look as if the rest had none."""
    large, none, again = run_module(
        """const { Studies } = await import("./orderflow/studies.js");
        const candles = input.map((trades, i) => ({ openedAt: 60000 * i, trades }));
        let shown = null;
        const reads = [];
        const api = { trades: async (...span) => (reads.push(span), [[1, span[0], 5, 9, "buy"]]) };
        const chart = {
          settings: { show: ["prints"], prints: 5 }, series: { timeframe: "1m", candles },
          look: { sizes: { tickSize: 1, lotSize: 1 } }, element: { clientWidth: 900 },
          heat: { show() {} }, profile: { show() {} },
          marks: { showPrints: (prints) => (shown = prints.length) },
        };
        const studies = new Studies(chart, api);
        const cover = async (from) => {
          studies.cover({ from: 60000 * from, to: 60000 * input.length });
          await new Promise((done) => setTimeout(done));
          studies.addTrades([]);
          return shown;
        };
        return [await cover(1), await cover(0), await cover(1)];""",
        [39_990, 30, 30],
    )
    assert (large, none, again) == (1, 0, 1)


def test_margin_of_the_preload_grows_with_the_speed_of_the_scrolling() -> None:
    still, fast, ahead, moved = run_module(
        """const { Preload } = await import("./orderflow/preload.js");
        const preload = new Preload(100);
        const still = preload.margin("older", 20);
        for (let i = 0; i < 40; i += 1) preload.moved(1000 - 10 * i, 16 * i); // 0.6 bars per ms
        const margins = [preload.margin("older", 20), preload.margin("newer", 20)];
        preload.shifted(400); // older bars were added
        preload.moved(1000 - 10 * 40 + 400, 16 * 40);
        return [still, ...margins, preload.margin("older", 20)];"""
    )
    assert still == ahead == 100
    assert 500 < fast < 700  # three loads of 300 ms
    assert moved == pytest.approx(fast, rel=0.02)


def test_settings_survive_the_url_and_invalid_ones_are_ignored() -> None:
    address, again, invalid = run_module(
        """const { readSettings, writeSettings } = await import("./orderflow/settings.js");
        const settings = { ...readSettings(""), timeframe: "5m", cells: "delta", step: 10,
          show: ["heat", "pocs"], measures: ["vpin", "amihud"], ratio: 250,
          anchor: Date.parse("2026-01-05T12:00Z"), depth: 1.5, zeros: false };
        const address = writeSettings(settings);
        const wrong = "?timeframe=2m&measures=%3C&cells=x&step=-4&ratio=1e9&from=never&show=no";
        return [address, JSON.stringify(readSettings(address)) === JSON.stringify(settings),
          writeSettings(readSettings(wrong))];"""
    )
    assert address == (
        "?timeframe=5m&cells=delta&step=10&show=heat.pocs&measures=vpin.amihud"
        "&anchor=2026-01-05T12:00Z&ratio=250"
        "&zeros=off&depth=1.5"
    )
    assert again
    assert invalid == "?timeframe=1m&show="


def test_heat_grid_shows_each_cell_at_its_place_and_continues_with_the_book() -> None:
    found = run_module(
        """const { HeatGrid } = await import("./orderflow/heat-grid.js");
        const { OrderBook } = await import("./trading/order-book.js");
        const grid = HeatGrid.read({ column_ms: 10, step: 2, end: 20,
          columns: [[0, 50, [4, 0, -8]], [10, 51, [2]]] });
        const paint = () => {
          const { low, count } = grid.extent;
          const pixels = new Uint32Array(grid.columns.length * count);
          grid.paint(pixels, { low, count }, Uint32Array.from({ length: 256 }, (_, i) => i), 8);
          return { low, count, pixels: [...pixels] };
        };
        const before = paint();
        const book = new OrderBook(0.5);
        book.replace({ seq: 1, at: 0, bids: [[50, 3], [50.5, 2]], asks: [[51.5, 7]] });
        const added = [19, 45].map((at) => grid.add(at, book, { reach: 0, lotSize: 0.5 }));
        grid.trim(20);
        return { before, added, columns: grid.columns, end: grid.end };"""
    )
    assert found["before"] == {"low": 50, "count": 3, "pixels": [255, 0, 0, 63, 127, 0]}
    assert found["added"] == [False, True]
    assert found["columns"] == [
        {"at": 20, "first": 51, "cells": [2]},
        {"at": 30, "first": 51, "cells": [2]},
        {"at": 40, "first": 50, "cells": [10, -14]},
    ]
    assert found["end"] == 50


def test_replay_clock_follows_speed_pause_and_jumps() -> None:
    found = run_module(
        """const { ReplayClock } = await import("./orderflow/replay-clock.js");
        const clock = new ReplayClock(1000, 10);
        const seen = [clock.at(500)];
        clock.start(0); seen.push(clock.at(50));
        clock.setSpeed(2, 100); seen.push(clock.at(100), clock.at(200));
        clock.pause(300); seen.push(clock.at(9999));
        clock.set(7000, 400); clock.start(400); seen.push(clock.at(410));
        return seen;"""
    )
    assert found == [1000, 1500, 2000, 2200, 2400, 7020]


def test_replay_shows_at_each_moment_exactly_what_had_happened_by_then() -> None:
    trades = make_trades(1_500, seed=9)
    start = trades[0][1] - 1
    changes = [
        (seq // 3, at + 7, side, 0.25 * (ticks - 3), lots * (seq % 4 > 0))
        for seq, at, ticks, lots, side in trades
    ]
    rows = [[seq, at, 0.25 * ticks, lots, side] for seq, at, ticks, lots, side in trades]
    moments = [
        trades[i][1] + extra
        for i, extra in ((700, 0), (1_400, 7), (300, 6), (301, 7), (1_499, 0), (2, 0))
    ]
    found = run_module(
        """const { ReplayMarket } = await import("./orderflow/replay-market.js");
        const { start, trades, changes } = input;
        const market = new ReplayMarket({ moment: start, book: { bids: [[1, 5]], asks: [] },
          timeframe: "1m", stepOf: () => 4, bar: null, sizes: { tickSize: 0.25, lotSize: 1 } });
        const middle = trades[trades.length / 2][1] - 1;
        const cut = (rows, from, to) => rows.filter(([, at]) => at > from && at <= to);
        for (const [from, to] of [[start, middle], [middle, 2 ** 50]]) {
          market.append(cut(trades, from, to), cut(changes, from, to), to);
        }
        return input.moments.map((moment) => {
          const passed = market.seek(moment);
          const prices = [4, ...Array.from({ length: 400 }, (_, i) => 19800 + i)];
          const side = (name) => prices
            .map((ticks) => [ticks, market.book.quantity(name, ticks)]).filter(([, lots]) => lots);
          return { passed: passed && passed.length, bars: structuredClone(market.bars),
            trades: market.newestTrades(5), bids: side("bids"), asks: side("asks") };
        });""",
        {"trades": rows, "changes": changes, "moments": moments, "start": start},
    )
    for moment, shown in zip(moments, found, strict=True):
        past = [trade for trade in trades if trade[1] <= moment]
        assert without_time(shown["bars"]) == bars_of(past, MINUTE_MS, 4)
        assert [row[0] for row in shown["trades"]] == [trade[0] for trade in past[-5:]]
        book: dict[str, dict[int, float]] = {"buy": {4: 5}, "sell": {}}
        for _, at, side, price, lots in changes:
            if at <= moment:
                book[side][round(4 * price)] = lots
        assert shown["bids"] == sorted([t, lots] for t, lots in book["buy"].items() if lots)
        assert shown["asks"] == sorted([t, lots] for t, lots in book["sell"].items() if lots)
    assert [shown["passed"] is None for shown in found] == [False, False, True, False, False, True]


def test_detail_falls_from_text_to_colour_to_candle() -> None:
    found = run_module(
        """const { levelOfDetail, roundUp } = await import("./orderflow/levels-of-detail.js");
        const at = (barPx, rowPx) => levelOfDetail({ cells: "bidask" }, barPx, rowPx);
        return [at(80, 10), at(80, 9), at(30, 14), at(2, 14), at(80, 0.3),
          roundUp(1), roundUp(21), roundUp(600)];"""
    )
    assert found == ["text", "colour", "colour", "candle", "candle", 1, 50, 1000]


def test_percentages_that_round_to_zero_have_no_sign() -> None:
    found = run_module(
        """const { percent } = await import("./orderflow/number-texts.js");
        return input.map(percent);""",
        [-0.4, 0.4, 0, -0.5, 12.4],
    )
    assert found == ["0 %", "0 %", "0 %", "\N{MINUS SIGN}1 %", "+12 %"]


def test_quantities_are_short_and_keep_their_digits() -> None:
    found = run_module(
        """const { NumberTexts } = await import("./orderflow/number-texts.js");
        const [whole, fine] = [new NumberTexts(1, 0), new NumberTexts(0.001, 3)];
        return [whole.plain(7), whole.signed(-1234), whole.plain(45600), whole.plain(2500000),
          whole.signed(0),
          fine.plain(250), fine.plain(1500), fine.signed(123456), fine.plain(0)];"""
    )
    minus = "\N{MINUS SIGN}"
    assert found == ["7", f"{minus}1234", "46k", "2.5M", "0", "0.25", "1.5", "+123.5", "0"]


def test_polling_leaves_no_hole_however_many_bars_closed_since() -> None:
    """The history answers as the API does: the newest bars, or those from a start on."""
    found = run_module(
        """const { BarWindow } = await import("./orderflow/bar-window.js");
        const minute = 60_000;
        let closed = 20;
        const bar = (i) => ({ openedAt: minute * i, time: 60 * i, lastSeq: 10 * i + closed });
        const history = {
          async candles(_timeframe, { start, limit }) {
            const all = Array.from({ length: closed + 1 }, (_, i) => bar(i));
            if (start === undefined) return { candles: all.slice(-limit), isLive: true };
            const after = all.filter(({ openedAt }) => openedAt >= start);
            return { candles: after.slice(0, limit), isLive: true };
          },
        };
        const bars = new BarWindow(history, "1m", () => false);
        await bars.newest("1m");
        closed = 700;
        await bars.catchUp();
        await bars.catchUp();
        return bars.series.candles.map(({ openedAt }) => openedAt / minute);""",
        None,
    )
    assert found == list(range(701))

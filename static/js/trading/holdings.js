// Positions, open orders and executions of the account.

import { clock } from "../clock.js";
import { KeyedTable } from "./keyed-table.js";
import { money, profit, signed } from "./prices.js";

const SHOWN = 50; // executions
const DASH = "\u2013";

const symbol = {
  text: (record) => record.symbol,
  href: (record) => `/instruments/${encodeURIComponent(record.symbol)}/`,
};
const order = { text: describe, sign: ({ side }) => (side === "buy" ? 1 : -1) };

/** What an order or an execution is, e.g. "buy 2". */
export function describe({ side, quantity }) {
  return `${side} ${quantity}`;
}

/** @param {(record: object, price: number | null) => string} priceOf price in the form of its instrument */
function positionsTable(priceOf) {
  return {
    key: (position) => position.symbol,
    columns: [
      symbol,
      { text: ({ quantity }) => signed(quantity, Math.abs(quantity)), sign: ({ quantity }) => quantity },
      { text: (position) => priceOf(position, position.entry_price) },
      { text: (position) => priceOf(position, position.mark_price), className: "wide-only" },
      { text: (position) => priceOf(position, position.liquidation_price), className: "wide-only" },
      { text: ({ unrealised }) => profit(unrealised), sign: ({ unrealised }) => unrealised },
    ],
    nothing: "No position.",
  };
}

function ordersTable(priceOf) {
  return {
    key: ({ id }) => id,
    columns: [
      symbol,
      order,
      { text: (placed) => conditionOf(placed, priceOf) },
      { text: ({ filled }) => filled, className: "wide-only" },
      { text: ({ state }) => state.replaceAll("_", " "), className: "wide-only" },
    ],
    nothing: "No open order.",
  };
}

/** Price of an order and the condition on which it is sent. */
function conditionOf(placed, priceOf) {
  const { type, price, trigger_price: trigger, trigger_direction: direction } = placed;
  const limit = price === null ? type : priceOf(placed, price);
  if (trigger === null) return limit;
  return `${limit} at ${direction === "rising" ? "\u2265" : "\u2264"} ${priceOf(placed, trigger)}`;
}

function executionsTable(priceOf) {
  return {
    key: ({ seq }) => seq,
    columns: [
      { text: ({ at }) => clock.format(at, "second") },
      { ...symbol, className: "wide-only" },
      order,
      { text: (execution) => priceOf(execution, execution.price) },
      { text: ({ fee }) => money(fee), className: "wide-only" },
      { text: ({ realised }) => (realised ? profit(realised) : DASH), sign: ({ realised }) => realised },
    ],
    nothing: "No execution yet.",
  };
}

export class Holdings {
  #marks = new Map(); // symbol -> newest quote

  /**
   * @param {import("./account.js").Account} account
   * @param {object} options
   * @param {Record<"positions" | "orders" | "executions", HTMLTableElement>} options.tables
   * @param {(symbol: string, price: number) => string} options.priceOf
   * @param {(position: object) => void} options.close
   * @param {(order: object) => void} options.cancel
   * @param {(order: object, close: () => void) => import("./order-editor.js").OrderEditor} options.editor
   */
  constructor(account, { tables, priceOf, close, cancel, editor }) {
    this.account = account;
    const price = (record, value) => (value === null ? DASH : priceOf(record.symbol, value));
    this.positions = new KeyedTable(tables.positions, {
      ...positionsTable(price),
      actions: [{ text: "Close", label: (position) => `Close the position in ${position.symbol}`, act: close }],
    });
    this.orders = new KeyedTable(tables.orders, {
      ...ordersTable(price),
      actions: [
        { text: "Change", label: (placed) => `Change: ${describe(placed)} ${placed.symbol}`, act: (placed) => this.#edit(placed, editor) },
        { text: "Cancel", label: (placed) => `Cancel: ${describe(placed)} ${placed.symbol}`, act: cancel },
      ],
    });
    this.executions = new KeyedTable(tables.executions, executionsTable(price));
    clock.addEventListener("change", () => this.draw());
  }

  #edit(placed, editor) {
    const { form } = editor(placed, () => this.orders.restore(placed.id));
    this.orders.replace(placed.id, form);
    form.querySelector("input").select();
  }

  /** Note the newest quote of an instrument. */
  mark(instrument, price) {
    this.#marks.set(instrument, price);
    this.positions.show(this.marked);
  }

  draw() {
    this.positions.show(this.marked);
    this.orders.show(this.account.orders);
    this.executions.show(this.account.executions.slice(0, SHOWN));
  }

  /** Positions at the newest quotes; the exchange marks them in the same way. */
  get marked() {
    return this.account.positions.map((position) => {
      const { quantity, mark_price: before, unrealised } = position;
      const mark = this.#marks.get(position.symbol) ?? before;
      return { ...position, mark_price: mark, unrealised: unrealised + quantity * (mark - before) };
    });
  }

  /** What all positions gained since the account was read. */
  get gained() {
    const profitOf = (positions) => positions.reduce((sum, { unrealised }) => sum + unrealised, 0);
    return profitOf(this.marked) - profitOf(this.account.positions);
  }
}

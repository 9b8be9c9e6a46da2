// Tables of positions, open orders and executions.

/** @param {(string | HTMLElement)[]} cells */
function row(cells, data = {}) {
  const found = document.createElement("tr");
  Object.assign(found.dataset, data);
  cells.forEach((content, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.scope = "row";
    cell.append(content);
    found.append(cell);
  });
  return found;
}

function button(text, label, act) {
  const found = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  found.setAttribute("aria-label", label);
  found.addEventListener("click", act);
  return found;
}

function fill(table, rows, nothing) {
  const { length } = table.tHead.rows[0].cells;
  const empty = document.createElement("tr");
  empty.append(Object.assign(document.createElement("td"), { colSpan: length, className: "nothing", textContent: nothing }));
  table.tBodies[0].replaceChildren(...(rows.length ? rows : [empty]));
}

function signed(number, text) {
  const cell = document.createElement("span");
  cell.dataset.sign = Math.sign(number);
  cell.textContent = (number > 0 ? "+" : number < 0 ? "\u2212" : "") + text;
  return cell;
}

export class Holdings {
  /**
   * @param {import("./account.js").Account} account
   * @param {object} tables positions, orders, executions: elements
   * @param {object} format time(ms), money(amount)
   * @param {(act: Promise) => void} attempt runs a command and shows its error
   */
  constructor(account, tables, format, attempt) {
    Object.assign(this, { account, tables, format, attempt });
  }

  draw() {
    this.#positions();
    this.#orders();
    this.#executions();
  }

  #positions() {
    const rows = this.account.positions.map(({ symbol, quantity, entry_price: entry, mark_price: mark, unrealised }) => row([
      symbol, signed(Number(quantity), String(Math.abs(quantity))), String(entry), String(mark),
      signed(Number(unrealised), this.format.money(Math.abs(unrealised))),
      button("Close", `Close the position in ${symbol}`, () => this.attempt(this.account.close(symbol))),
    ]));
    fill(this.tables.positions, rows, "No position.");
  }

  #orders() {
    const rows = this.account.orders.map((order) => row([
      order.symbol, order.side, order.type, String(order.price ?? order.trigger_price ?? "market"),
      `${order.filled} / ${order.quantity}`, String(order.state).replaceAll("_", " "),
      button("Cancel", `Cancel the order to ${order.side} ${order.quantity} ${order.symbol}`, () => this.attempt(this.account.cancel(order.id))),
    ], { side: order.side }));
    fill(this.tables.orders, rows, "No open order.");
  }

  #executions() {
    const rows = [...this.account.executions].sort((a, b) => b.at - a.at).map((execution) => row([
      this.format.time(execution.at), execution.symbol, execution.side, String(execution.price),
      String(execution.quantity), String(execution.fee),
    ], { side: execution.side }));
    fill(this.tables.executions, rows, "No execution yet.");
  }
}

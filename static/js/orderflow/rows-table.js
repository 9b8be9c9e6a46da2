// The rows of one bar as a table, below the table of bars.

export class RowsTable {
  /**
   * @param {HTMLTableElement} table with a caption and a body
   * @param {import("./bar-values.js").BarValues} values
   */
  constructor(table, values) {
    Object.assign(this, { table, values });
  }

  /** Show the rows of a bar of the chart; null: of the last visible one. */
  show(index) {
    const { chart } = this.values;
    const bar = chart.series.candles[index ?? chart.visible?.to ?? -1];
    if (!bar) return;
    const [time] = this.values.cells(bar);
    this.table.caption.textContent = `Rows of ${bar.step} ${bar.step === 1 ? "tick" : "ticks"} of ${time}`;
    this.table.tBodies[0].replaceChildren(...this.values.rows(bar).map((texts) => row(texts)));
  }
}

function row([first, ...others]) {
  const element = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = first;
  element.append(head, ...others.map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
  return element;
}

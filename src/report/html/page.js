'use strict';
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const made = (name, className, ...content) => {
  const element = Object.assign(document.createElement(name), { className });
  element.append(...content);
  return element;
};

// Heads of tables sort them: numbers from the most, words from A, what is not known last, whole sign-ins first.
const UNITS = { ms: 1e3, s: 1e6, min: 6e7, h: 3.6e9 };
const amount = (text) => {
  const plain = text.replace(/[,✗]/g, '').trim();
  if (!/^[\d<]/.test(plain)) return NaN;
  const parts = [...plain.matchAll(/([\d.]+)(?: (ms|s|min|h)\b)?/g)];
  return parts.reduce((sum, [, figures, unit]) => sum + figures * (UNITS[unit] ?? 1), 0);
};
const sort = (table, head) => {
  const [body] = table.tBodies;
  const rows = [...body.rows].map((row) => {
    const cell = row.cells[head.cellIndex];
    const text = cell?.colSpan === 1 ? cell.textContent.trim() : '–';
    return { row, text, amount: amount(text), rank: row.matches('.whole') ? 0 : text === '–' ? 2 : 1 };
  });
  const words = rows.some(({ text, amount }) => text !== '–' && isNaN(amount));
  const rising = head.ariaSort ? head.ariaSort === 'descending' : words;
  all('th', table.tHead).forEach((other) => (other.ariaSort = null));
  head.ariaSort = rising ? 'ascending' : 'descending';
  rows.sort((a, b) => a.rank - b.rank || (a.rank === 1 && (words ? a.text.localeCompare(b.text) : a.amount - b.amount) * (rising ? 1 : -1)));
  body.append(...rows.map(({ row }) => row));
};
for (const table of all('table.sortable')) {
  for (const head of all('th', table.tHead)) {
    if (table.tBodies[0].rows.length < 2 || head.querySelector('svg')) continue;
    const button = made('button', 'sort', ...head.childNodes);
    button.onclick = () => sort(table, head);
    head.append(button);
  }
}

// Plots show the row of their table that the pointer or the arrow keys are at.
for (const plot of all('[data-of]')) {
  const table = document.getElementById(plot.dataset.of);
  const rows = [...table.tBodies[0].rows];
  const svg = plot.querySelector('svg');
  const places = rows.map((row, at) => +(row.dataset.at ?? (at + 0.5) / rows.length));
  const [hair, tip] = [made('i', 'hair'), made('p', 'tip')];
  let now = -1;
  const show = (at) => {
    now = at;
    hair.hidden = tip.hidden = at < 0;
    if (at < 0) return;
    const words = [0, ...plot.dataset.columns.split(' ')].map((column) => [table.tHead.rows[0], rows[at]].map((row) => row.cells[column].textContent));
    tip.replaceChildren(...words.map(([name, value]) => made('span', '', `${name} `, made('b', '', value))));
    const [box, outer] = [svg, plot].map((one) => one.getBoundingClientRect());
    const x = box.left - outer.left + places[at] * box.width;
    hair.style.left = `${x}px`;
    tip.style.left = `${Math.max(0, Math.min(x + 10, outer.width - tip.offsetWidth))}px`;
  };
  plot.onpointermove = plot.onpointerdown = ({ clientX }) => {
    const box = svg.getBoundingClientRect();
    const off = places.map((place) => Math.abs(box.left + place * box.width - clientX));
    show(off.indexOf(Math.min(...off)));
  };
  plot.onpointerleave = plot.onblur = () => show(-1);
  plot.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Escape') show(-1);
    if (!by) return;
    event.preventDefault();
    show(Math.max(0, Math.min(rows.length - 1, now + by)));
  };
  Object.assign(plot, { tabIndex: 0, role: 'group', ariaLabel: `${svg.querySelector('title').textContent}, by arrow keys` });
  tip.role = 'status';
  plot.append(hair, tip);
  show(-1);
}

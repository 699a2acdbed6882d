/** Bars are full at so many messages; more are shown in the numbers. */
const FULL = 100;

const rows = new Map();
const news = document.querySelector('#news');

for (const button of document.querySelectorAll('button[data-action]')) {
  button.addEventListener('click', async () => {
    const answer = await fetch(`/do/${button.dataset.action}`, { method: 'POST' }).catch(() => undefined);
    if (!answer?.ok) say('The demo did not do that. Is it still running?');
  });
}

const stream = new EventSource('/state');
stream.addEventListener('message', ({ data }) => show(JSON.parse(data)));
stream.addEventListener('error', () => say('The demo has ended, or is starting. Waiting for it …'));

function show({ health, warehouseIsUp, queues, counts }) {
  for (const queue of queues) showQueue(queue);
  for (const [name, count] of Object.entries(counts)) text(`#${name}`, count);
  text('#health', health);
  const warehouse = document.querySelector('button[data-action="warehouse"]');
  text('button[data-action="warehouse"]', warehouseIsUp ? 'Take the warehouse down' : 'Bring the warehouse back');
  warehouse.setAttribute('aria-pressed', String(!warehouseIsUp));
  const held = queues.find(({ paused }) => paused !== undefined);
  const waiting = queues.reduce((sum, { ready, unacked }) => sum + ready + unacked, 0);
  if (held !== undefined) say(`The listener of ${held.name} is paused: ${held.paused}`);
  else say(waiting === 0 ? 'All queues are empty.' : 'Messages are on their way.');
}

function showQueue({ name, about, ready, unacked, paused }) {
  const row = rows.get(name) ?? addRow(name, about);
  set(row.ready, ready);
  set(row.unacked, unacked);
  set(row.paused, paused === undefined ? '' : `paused: ${paused}`);
  row.readyBar.style.width = `${Math.min(100, (100 * ready) / FULL)}%`;
  row.unackedBar.style.width = `${Math.min(100, (100 * unacked) / FULL)}%`;
}

function addRow(name, about) {
  const line = document.createElement('tr');
  line.dataset.queue = name;
  const head = element('th', name);
  head.scope = 'row';
  const paused = element('small', '');
  paused.className = 'paused';
  head.append(element('small', about), paused);
  const [ready, unacked] = [element('td', '0'), element('td', '0')];
  ready.className = 'ready-count';
  const cell = element('td', '');
  // The numbers stand beside it: a reader of the screen needs no picture of them.
  const bar = element('div', '');
  bar.className = 'bar';
  bar.setAttribute('aria-hidden', 'true');
  const [unackedBar, readyBar] = [element('span', ''), element('span', '')];
  unackedBar.className = 'unacked';
  readyBar.className = 'ready';
  bar.append(unackedBar, readyBar);
  cell.append(bar);
  line.append(head, ready, unacked, cell);
  document.querySelector('#queues').append(line);
  const row = { ready, unacked, paused, readyBar, unackedBar };
  rows.set(name, row);
  return row;
}

function element(tag, content) {
  const made = document.createElement(tag);
  made.textContent = content;
  return made;
}

function say(words) {
  set(news, words);
}

function text(selector, content) {
  set(document.querySelector(selector), content);
}

/** Only what has changed: nothing is read out, or drawn, twice. */
function set(target, content) {
  if (target.textContent !== String(content)) target.textContent = String(content);
}

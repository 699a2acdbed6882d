import { CASES } from './cases.mjs';

const COLOURS = {
  leveret: '#0969da',
  'rabbitmq-client': '#8c959f',
  'amqp-connection-manager': '#afb8c1',
  rascal: '#c9b6a3',
  golevelup: '#d4a5a5',
  nest: '#b9c4a7',
};
const CHARTED = ['json', 'class', 'publish-256', 'await-io'];
const BAR = 11;
const GROUP_GAP = 26;
const LEFT = 150;
const WIDTH = 640;
const PLOT = WIDTH - LEFT - 60;
/** What is dearer than this is cut, and says its figure. */
const MOST = 4;

/** A small chart: CPU of the client process per message, as a ratio to amqplib by hand, which is the line at 1. */
export function chart(summary, caption) {
  const parts = [];
  let y = 40;
  const x = (ratio) => LEFT + (PLOT * Math.min(ratio, MOST)) / MOST;
  for (const name of CHARTED) {
    const bars = Object.entries(summary[name] ?? {}).flatMap(([subject, values]) => {
      const ratio = values.cpuMicros?.ratio?.median;
      return COLOURS[subject] === undefined || ratio === undefined ? [] : [{ subject, ratio }];
    });
    if (bars.length === 0) continue;
    parts.push(text(8, y - 6, CASES[name].title, 'font-weight="600"'));
    for (const { subject, ratio } of bars) {
      parts.push(text(LEFT - 6, y + BAR - 2, subject, 'text-anchor="end"'));
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${(x(ratio) - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[subject]}"/>`,
      );
      parts.push(text(x(ratio) + 4, y + BAR - 2, ratio.toFixed(2), ''));
      y += BAR;
    }
    y += GROUP_GAP;
  }
  const bottom = y - GROUP_GAP + 4;
  const line = `<line x1="${x(1)}" y1="28" x2="${x(1)}" y2="${bottom}" stroke="#cf222e" stroke-dasharray="3 2"/>`;
  const title = text(8, 14, 'CPU per message, amqplib by hand = 1: less is better', 'font-weight="600"');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 20}" viewBox="0 0 ${WIDTH} ${bottom + 20}" font-family="sans-serif" font-size="9" fill="#57606a">`,
    '<title>CPU per message, beside amqplib by hand</title>',
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    title,
    ...parts,
    line,
    text(8, bottom + 14, caption, ''),
    '</svg>',
    '',
  ].join('\n');
}

function text(x, y, content, attributes) {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${safe}</text>`;
}

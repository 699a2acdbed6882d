import type { FaultTimes, Verdict } from '../checker/verdict.js';

const WIDTH = 920;
const LEFT = 56;
const RIGHT = 16;
const PLOT = WIDTH - LEFT - RIGHT;

/** What faults concern, with the colour of their marks; the legend has the same order. */
const GROUPS = [
  { name: 'network', colour: '#0969da', kinds: /^(tcp-|cut-|black-hole|slow-)/ },
  { name: 'broker', colour: '#cf222e', kinds: /^(broker-|memory-|leader-|node-|partition)/ },
  { name: 'queue and channel', colour: '#9a6700', kinds: /^(queue-|unknown-ack|wrong-exchange|listener-)/ },
  { name: 'process', colour: '#8250df', kinds: /^(consumer-|publisher-|relay-|rolling-)/ },
  { name: 'database, Redis', colour: '#1a7f37', kinds: /./ },
] as const;

const CONFIRMED = '#8c959f';
const HANDLED = '#1f6feb';
const AGAIN = '#cf222e';

/** The colour of a kind of fault. */
export function colourOf(kind: string): string {
  return GROUPS.find(({ kinds }) => kinds.test(kind))?.colour ?? '#57606a';
}

/** Messages over time: confirmed and handled in each second, faults as marks, seconds without any effect in grey. */
export function timeline({ series, windows }: Pick<Verdict, 'series' | 'windows'>, caption = ''): string {
  const height = 250;
  const top = 30;
  const bottom = height - 52;
  const seconds = Math.max(series.handled.length, 1);
  const most = Math.max(1, ...series.confirmed, ...series.handled);
  const x = (second: number) => LEFT + (PLOT * second) / seconds;
  const y = (value: number) => bottom - ((bottom - top) * value) / most;
  const firstHandled = series.handled.findIndex((value) => value > 0);
  const lastHandled = series.handled.findLastIndex((value) => value > 0);
  const gaps = series.handled.flatMap((value, second) =>
    value === 0 && second > firstHandled && second < lastHandled
      ? [
          `<rect x="${x(second).toFixed(1)}" y="${top}" width="${(PLOT / seconds).toFixed(2)}" height="${bottom - top}" fill="#afb8c1" opacity="0.45"/>`,
        ]
      : [],
  );
  const marks = windows.map((window) => {
    const at = x(window.wallAt / 1000 - series.from);
    const until = x((window.wallAt + window.lastedMs) / 1000 - series.from);
    const shown = `<title>${escaped(window.kind)}${window.resumeMs === undefined ? '' : `: went on after ${Math.round(window.resumeMs)} ms`}</title>`;
    return `<g><rect x="${at.toFixed(1)}" y="${bottom + 4}" width="${Math.max(1.2, until - at).toFixed(1)}" height="9" fill="${colourOf(window.kind)}">${shown}</rect></g>`;
  });
  return svg('messages in each second, and faults', height, [
    ...gaps,
    ...grid(most, y, top, bottom),
    path(series.confirmed, x, y, CONFIRMED),
    path(series.handled, x, y, HANDLED),
    ...marks,
    ...minutes(seconds, x, bottom + 26),
    ...legend(
      [
        { name: 'confirmed each second', colour: CONFIRMED },
        { name: 'handled each second', colour: HANDLED },
        { name: 'a second without any effect', colour: '#afb8c1' },
      ],
      14,
    ),
    ...legend(
      GROUPS.map(({ name, colour }) => ({ name: `fault: ${name}`, colour })),
      height - 8,
      150,
    ),
    caption === '' ? '' : text(WIDTH - RIGHT, 18, caption, 'text-anchor="end"'),
  ]);
}

/** Effects beyond the first of a message, in each second. */
export function duplicates({ series, duplicates: { effects, bound } }: Pick<Verdict, 'series' | 'duplicates'>): string {
  const height = 130;
  const top = 30;
  const bottom = height - 24;
  const seconds = Math.max(series.again.length, 1);
  const most = Math.max(1, ...series.again);
  const x = (second: number) => LEFT + (PLOT * second) / seconds;
  const y = (value: number) => bottom - ((bottom - top) * value) / most;
  const bars = series.again.flatMap((value, second) =>
    value === 0
      ? []
      : [
          `<rect x="${x(second).toFixed(1)}" y="${y(value).toFixed(1)}" width="${Math.max(1.5, PLOT / seconds).toFixed(1)}" height="${(bottom - y(value)).toFixed(1)}" fill="${AGAIN}"/>`,
        ],
  );
  return svg('effects beyond the first of a message', height, [
    ...grid(most, y, top, bottom),
    ...bars,
    ...minutes(seconds, x, bottom + 14),
    text(
      LEFT,
      16,
      `effects beyond the first of a message: ${effects}; the faults explain ${bound} at most`,
      'font-weight="600"',
    ),
  ]);
}

/** How soon it went on after each fault: a dot for each, on a logarithmic scale. */
export function resumes(
  windows: readonly FaultTimes[],
  title = 'from the end of a fault to the first effect of what was delivered behind it',
): string {
  const kinds = [...new Set(windows.filter(({ resumeMs }) => resumeMs !== undefined).map(({ kind }) => kind))].sort();
  const rowHeight = 17;
  const top = 34;
  const left = 170;
  const height = top + kinds.length * rowHeight + 30;
  const x = (ms: number) => left + ((WIDTH - left - RIGHT) * Math.log10(Math.min(Math.max(ms, 1), 100_000))) / 5;
  const lines = [1, 10, 100, 1000, 10_000, 100_000].map(
    (ms) =>
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${top - 6}" y2="${height - 24}" stroke="#d0d7de"/>${text(x(ms), height - 10, ms < 1000 ? `${ms} ms` : `${ms / 1000} s`, 'text-anchor="middle"')}`,
  );
  const rows = kinds.flatMap((kind, index) => {
    const middle = top + index * rowHeight + 6;
    const of = windows.filter((window) => window.kind === kind);
    const dots = of.flatMap(({ resumeMs }) =>
      resumeMs === undefined
        ? []
        : [`<circle cx="${x(resumeMs).toFixed(1)}" cy="${middle}" r="3" fill="${colourOf(kind)}" opacity="0.5"/>`],
    );
    return [text(left - 8, middle + 3, `${kind} (${of.length})`, 'text-anchor="end"'), ...dots];
  });
  return svg(title, height, [text(8, 16, title, 'font-weight="600"'), ...lines, ...rows]);
}

function svg(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#57606a">`,
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function path(
  values: readonly number[],
  x: (second: number) => number,
  y: (value: number) => number,
  colour: string,
): string {
  const points = values.map((value, second) => `${x(second + 0.5).toFixed(1)},${y(value).toFixed(1)}`);
  return `<polyline fill="none" stroke="${colour}" stroke-width="1.3" points="${points.join(' ')}"/>`;
}

function grid(most: number, y: (value: number) => number, top: number, bottom: number): string[] {
  return [0, most].map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#d0d7de"/>${text(LEFT - 6, (value === 0 ? bottom : top) + 4, String(value), 'text-anchor="end"')}`,
  );
}

function minutes(seconds: number, x: (second: number) => number, y: number): string[] {
  const step = seconds <= 90 ? 15 : 60;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
    const at = index * step;
    return text(x(at), y, `${Math.floor(at / 60)}:${String(at % 60).padStart(2, '0')}`, 'text-anchor="middle"');
  });
}

function legend(
  entries: readonly { readonly name: string; readonly colour: string }[],
  y: number,
  step = 190,
): string[] {
  return entries.flatMap(({ name, colour }, index) => [
    `<rect x="${LEFT + index * step}" y="${y - 8}" width="10" height="8" fill="${colour}"/>`,
    text(LEFT + index * step + 14, y, name, ''),
  ]);
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

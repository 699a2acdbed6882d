/** A payload of a stranger, and what the page has to show of it. */
export interface HostilePayload {
  readonly name: string;
  readonly body: Buffer | string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly shows: readonly string[];
}

const DEPTH = 5000;

export const HOSTILE: readonly HostilePayload[] = [
  {
    name: 'scripts',
    body: JSON.stringify({
      note: '</script><script>fault()</script><img src=x onerror=fault()>',
      '<b onclick=fault()>': 'javascript:fault()',
    }),
    contentType: 'application/json',
    headers: { 'x-<svg onload=fault()>': '<iframe src="javascript:fault()">' },
    shows: [
      '<script>fault()</script><img src=x onerror=fault()>',
      '<b onclick=fault()>',
      '<iframe src="javascript:fault()">',
    ],
  },
  {
    name: 'turned-round',
    body: JSON.stringify({ to: 'acme\u202e\u2066moc.live\u2069', nothing: '\u200b\u200b' }),
    contentType: 'application/json',
    shows: ['U+202E', 'U+2066', 'U+200B'],
  },
  {
    name: 'terminal',
    body: 'red \u001b[31m and a bell \u0007',
    contentType: 'text/plain',
    // No text: shown as bytes.
    shows: ['binary', '1b 5b 33 31 6d'],
  },
  {
    name: 'binary',
    body: Buffer.from([0xff, 0xfe, 0x00, 0x3c, 0x73]),
    contentType: 'application/octet-stream',
    shows: ['ff fe 00 3c 73', 'binary'],
  },
  { name: 'deep', body: '['.repeat(DEPTH) + ']'.repeat(DEPTH), contentType: 'application/json', shows: ['['] },
  {
    name: 'huge',
    body: JSON.stringify({ text: 'x'.repeat(3_000_000) }),
    contentType: 'application/json',
    shows: ['Only its beginning is shown', '3.0 MB'],
  },
  {
    name: 'wide',
    body: 'w'.repeat(20_000),
    contentType: 'text/plain',
    headers: { [`x-${'w'.repeat(200)}`]: 'w'.repeat(3000) },
    shows: ['wwwwwwww'],
  },
  { name: 'no-json', body: '{"amount": 1,', contentType: 'application/json', shows: ['{"amount": 1,'] },
  {
    name: 'prototype',
    body: '{"__proto__": {"polluted": true}, "constructor": 1}',
    contentType: 'application/json',
    shows: ['__proto__', 'polluted'],
  },
  { name: 'empty', body: '', contentType: 'application/json', shows: ['It is empty'] },
];

import type { ParkedMessage } from '@leveret/operations';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { collect, collectArgument, collectWhole, readCount, readDuration, readRate } from './read-values.js';
import { messageJson, showMessage } from './show-message.js';
import { table } from './table.js';
import { timeText } from './time-text.js';

describe('values of the command line', () => {
  it('reads rates in a second, whatever they are given by', () => {
    expect(['50/s', '50', '600/m', '7200/h', '0.5/s'].map(readRate)).to.eql([50, 50, 10, 2, 0.5]);
    for (const text of ['0', '-1', '1/d', 'x', '', '1.', '5 /s'])
      expect(() => readRate(text), text).to.throw('expected a rate');
  });

  it('reads whole numbers from a least one on', () => {
    expect([readCount(0)('0'), readCount(1)('1'), readCount(1)('12')]).to.eql([0, 1, 12]);
    for (const text of ['0', '-1', '1.5', 'x', '']) expect(() => readCount(1)(text), text).to.throw('from 1 on');
  });

  it('reads spans of time', () => {
    expect(['500ms', '10s', '5m', '250'].map(readDuration)).to.eql([500, 10_000, 300_000, 250]);
    for (const text of ['soon', '', '-1']) expect(() => readDuration(text), text).to.throw('expected a duration');
  });

  it('collects what is given several times, apart at commas or whole', () => {
    expect(collect('a,b', collect('c,,d'))).to.eql(['c', 'd', 'a', 'b']);
    expect(collectWhole('a,b', collectWhole('c'))).to.eql(['c', 'a,b']);
  });

  it('reads arguments as numbers, flags or text', () => {
    const args = [
      'x-max-length=5',
      'x-n=-3',
      'x-flag=true',
      'x-off=false',
      'x-text=5s',
      'x-empty=',
      'x-eq=a=b',
      'x-n=4',
    ];
    expect(args.reduce((before, text) => collectArgument(text, before), {})).to.eql({
      ...{ 'x-max-length': 5, 'x-n': 4, 'x-flag': true, 'x-off': false, 'x-text': '5s', 'x-empty': '', 'x-eq': 'a=b' },
    });
    for (const text of ['x', '=5', '']) expect(() => collectArgument(text), text).to.throw('expected name=value');
  });
});

describe('table', () => {
  it('is as wide as it must be, without blanks at the end of a line', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['abc', ''],
          ['', 'x'],
        ],
      ),
    ).to.equal('A    LONG\nabc\n     x\n');
  });

  it('cuts what is too long, and lets nothing that strangers wrote move the cursor', () => {
    expect(table(['A'], [['x'.repeat(10)], ['y'.repeat(11)]], 10)).to.equal(
      `A\n${'x'.repeat(10)}\n${'y'.repeat(9)}…\n`,
    );
    expect(table(['A'], [['a\u001b[2Jb\nc']]))
      .to.not.contain('\u001b')
      .and.not.contain('b\nc');
    expect(table(['A'], [['z'.repeat(60)], ['z'.repeat(61)]])).to.contain(`${'z'.repeat(60)}\n${'z'.repeat(59)}…`);
  });
});

describe('timeText', () => {
  it('is short, in UTC, and stays nothing where nothing is known', () => {
    expect(timeText(Date.UTC(2026, 10, 27, 10, 0, 0, 999))).to.equal('2026-11-27 10:00:00Z');
    expect(timeText(undefined)).to.equal(undefined);
  });
});

describe('showMessage', () => {
  const parked = (body: Buffer, headers: Record<string, unknown> = {}, failure: object = {}): ParkedMessage => {
    const message = { body, headers, exchange: '', routingKey: 'q', redelivered: false, messageId: 'm' };
    const known = { source: 'leveret', fingerprint: 'f', deaths: [], ...failure };
    return { key: 'k', queue: 'errors', position: 0, message, failure: known } as unknown as ParkedMessage;
  };

  it('says why it is parked, where it came from, its headers and its body, and nothing that is not known', () => {
    const headers = {
      ...{ 'x-exception-message': 'no order', 'x-exception-stacktrace': 'Error', 'x-text': 'text' },
      ...{ 'x-big': 5n, 'x-list': [1, { a: 2n }] },
    };
    const failure = {
      ...{ queue: 'orders', listener: 'L.on', attempts: 3, exchange: '', routingKey: 'orders' },
      ...{ errorName: 'TypeError', errorMessage: 'no\u001b[2J order', stack: 'Error\n  at x' },
      lastFailedAt: Date.UTC(2026, 10, 27, 10),
    };
    const text = showMessage(parked(Buffer.from('{"id":1}'), headers, failure));
    for (const line of [
      ...['message id      m', 'parked in       errors, place 1', 'failed in       orders', 'listener        L.on'],
      ...[
        'came from       (default exchange) with orders',
        'attempts        3',
        'last failed     2026-11-27 10:00:00Z',
      ],
      ...[
        '  x-text: text',
        '  x-big: "5"',
        '  x-list: [1,{"a":"2"}]',
        '  {',
        '    "id": 1',
        'stack',
        '  Error',
        '    at x',
      ],
    ]) {
      expect(text.split('\n'), line).to.include(line);
    }
    expect(text)
      .to.match(/^error {11}TypeError: no/m)
      .and.not.contain('\u001b');
    expect(text).to.not.match(/^service|^first failed|^correlation id|x-exception-message:|x-exception-stacktrace:/m);
    expect(text.endsWith('\n')).to.equal(true);
  });

  it('shows text as text, and what is no text as hexadecimal digits', () => {
    expect(showMessage(parked(Buffer.from('plain\ntext')))).to.contain('body\n  plain\n  text\n');
    const bytes = Buffer.alloc(600, 0xff);
    expect(showMessage(parked(bytes))).to.contain(`  600 bytes: ${'ff'.repeat(512)}\n`);
    expect(showMessage(parked(bytes))).to.not.contain('stack');
    expect(showMessage(parked(bytes, {}, { exchange: 'ex' }))).to.contain('came from       ex with ?');
    expect(showMessage(parked(bytes, {}, { routingKey: 'k' }))).to.contain('came from       ? with k');
    expect(showMessage(parked(bytes))).to.not.contain('came from');
    expect(showMessage(parked(bytes, {}, { errorMessage: 'no' }))).to.match(/^error {11}no$/m);
  });

  it('is JSON with the line of an export, its place and why it is parked', () => {
    const json = messageJson(parked(Buffer.from('x'), {}, { queue: 'orders' })) as Record<string, unknown>;
    expect(json).to.include({ position: 0, queue: 'errors' });
    expect(json['failure']).to.include({ source: 'leveret', queue: 'orders' }).and.to.have.property('deaths');
  });
});

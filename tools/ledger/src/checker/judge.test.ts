import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { fateOf } from '../workload/order.js';
import { readRow } from '../workload/row.js';
import { checkRun } from './check-run.js';
import type { Invariant } from './violations.js';

const SEED = 11;
const ALWAYS_FAILS = numbersOf('poison')[0] as number;
const [A, B] = numbersOf('ok') as [number, number];

/** Ledgers written by hand: each line is microseconds, event and words; the wall clock says the same in milliseconds. */
interface Ledgers {
  readonly row?: string;
  readonly publisher?: readonly string[];
  readonly wire?: readonly string[];
  readonly consumer?: readonly string[];
  readonly effects?: readonly string[];
  readonly ends?: readonly string[];
  readonly conductor?: readonly string[];
}

/** One message on its way, without a fault. */
function good(n: number, at = 1000): Ledgers {
  return {
    publisher: [`${at} attempt ${n}`, `${at + 3000} confirm ${n}`],
    wire: [
      `${at + 1000} publish ${n} 1.1`,
      `${at + 2000} confirm ${n}`,
      `${at + 4000} deliver ${n} 2.1 1`,
      `${at + 9000} ack ${n} 2.1`,
    ],
    consumer: [`${at + 5000} start ${n} 1 0 0`, `${at + 6000} effect ${n}`],
    effects: [`${at + 7000} row ${n} 0 0 ${Math.floor((at + 7000) / 1000)} consumer-0`],
  };
}

async function broken(ledgers: Ledgers): Promise<Invariant[]> {
  const { violationCounts } = await judged(ledgers);
  return Object.keys(violationCounts) as Invariant[];
}

async function judged({ row = 'quorum', ...ledgers }: Ledgers) {
  const folder = mkdtempSync(join(tmpdir(), 'leveret-ledger-test-'));
  try {
    writeFileSync(
      join(folder, 'run.json'),
      JSON.stringify({ row: readRow(row), seed: SEED, version: '3.10', minutes: 1, subject: 'leveret', native: false }),
    );
    const names = {
      publisher: 'publisher-0.1',
      consumer: 'consumer-0.1',
      wire: 'wire',
      effects: 'effects',
      ends: 'ends',
      conductor: 'conductor',
    };
    for (const [name, lines] of Object.entries(ledgers) as [keyof typeof names, readonly string[]][]) {
      const text = lines.map((line) => {
        const [at, ...rest] = line.split(' ');
        return `${at} ${Math.floor(Number(at) / 1000)} ${rest.join(' ')}\n`;
      });
      writeFileSync(join(folder, `${names[name]}.log`), text.join(''));
    }
    return await checkRun(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function numbersOf(fate: string): number[] {
  return Array.from({ length: 3000 }, (_, n) => n).filter((n) => fateOf(SEED, n) === fate);
}

describe('checking a run', () => {
  it('finds nothing in a message that went its way', async () => {
    const { violationCounts, messages, duplicates } = await judged(good(A));
    expect(violationCounts).to.deep.equal({});
    expect(messages).to.include({ attempted: 1, confirmed: 1, handled: 1, lost: 0 });
    expect(duplicates.effects).to.equal(0);
  });

  it('I1: finds a message that was confirmed and is nowhere', async () => {
    expect(await broken({ ...good(A), effects: [], wire: good(A).wire?.slice(0, 2) ?? [] })).to.deep.equal(['I1']);
  });

  it('I1: takes an entry in an error queue for an end', async () => {
    const { publisher = [] } = good(A);
    const starts = ['5000 start', '6000 fail', '7000 start', '8000 fail', '9000 start', '9500 fail'].map(
      (each) => `${each} ${A} 1 0 0`,
    );
    const wire = [`2000 confirm ${A}`, `10000 copy ${A} 3.1`, `11000 copied ${A}`, `12000 ack ${A} 2.1`];
    expect(await broken({ publisher, wire, consumer: starts, ends: [`20000 parked ${A}`] })).to.deep.equal([]);
  });

  it('I1: does not count what was attempted and never confirmed', async () => {
    expect(await broken({ publisher: [`1000 attempt ${A}`] })).to.deep.equal([]);
  });

  it('I1: excludes, and counts, what was on a queue that was deleted', async () => {
    const unsettled = { ...good(A), effects: [], wire: good(A).wire?.slice(0, 2) ?? [] };
    const { violationCounts, messages } = await judged({ ...unsettled, conductor: ['5000 queue-deleted'] });
    expect(violationCounts).to.deep.equal({});
    expect(messages.excluded).to.equal(1);
    const late = { ...unsettled, wire: [...unsettled.wire, `69000000 redeliver ${A} 2.1 1`] };
    expect(await broken({ ...late, conductor: ['70000000 queue-deleted'] })).to.deep.equal([]);
  });

  it('I1: does not excuse by a deleted queue what was acknowledged, or sent long before or behind it', async () => {
    const gone = { ...good(A), effects: [] };
    expect(await broken({ ...gone, conductor: ['50000 queue-deleted'] })).to.include('I1');
    const unsettled = { ...gone, wire: good(A).wire?.slice(0, 2) ?? [] };
    expect(await broken({ ...unsettled, conductor: ['500 queue-deleted'] })).to.deep.equal(['I1']);
    expect(await broken({ ...unsettled, conductor: ['70000000 queue-deleted'] })).to.deep.equal(['I1']);
    const there = { ...unsettled, wire: [...unsettled.wire, `16000000 redeliver ${A} 2.1 1`] };
    expect(await broken({ ...there, conductor: ['5000000 queue-deleted'] })).to.deep.equal(['I1']);
  });

  it('I2: finds an effect of what nobody published', async () => {
    expect(await broken({ ...good(A), publisher: [] })).to.deep.equal(['I2']);
  });

  it('I2: finds a message that is not as it was sent', async () => {
    const { consumer = [], ...rest } = good(A);
    expect(await broken({ ...rest, consumer: [...consumer, `6001 corrupt ${A}`] })).to.deep.equal(['I2']);
  });

  it('I2: finds a message whose transaction was rolled back', async () => {
    const publisher = [`1000 attempt ${A}`, `1500 rolled-back ${A}`];
    expect(await broken({ ...good(A), row: 'outbox', publisher })).to.deep.equal(['I2']);
  });

  it('I3: finds a second effect, with the inbox', async () => {
    const { effects = [], ...rest } = good(A);
    expect(await broken({ ...rest, effects: [...effects, ...effects] })).to.deep.equal(['I3']);
  });

  it('I3: finds a second effect with a store, unless the process was killed just behind the first', async () => {
    const { effects = [], consumer = [], ...rest } = good(A);
    const twice = {
      ...rest,
      row: 'quorum-redis',
      effects: [...effects, ...effects],
      wire: [...(rest.wire ?? []), '20000 end 2 1 0'],
    };
    expect(await broken({ ...twice, consumer: [...consumer, '9000000 sigterm', '9100000 exit 0'] })).to.deep.equal([
      'I3',
    ]);
    expect(await broken({ ...twice, consumer: [...consumer, '9000000 memory 1 1 1'] })).to.deep.equal(['I3']);
    expect(await broken({ ...twice, consumer })).to.deep.equal([]);
    const unheard = consumer.filter((line) => !line.includes(' effect '));
    expect(await broken({ ...twice, consumer: unheard })).to.deep.equal([]);
  });

  it('I3: finds what a handler wrote behind the end of its attempt', async () => {
    const { effects = [], ...rest } = good(A);
    expect(await broken({ ...rest, effects: [...effects, `9000 row ${A} -1 -1 9 consumer-0/too-late`] })).to.deep.equal(
      ['I3'],
    );
  });

  it('I4: finds more duplicates than were on their way when something broke', async () => {
    const { effects = [], wire = [], ...rest } = good(A);
    const twice = { ...rest, row: 'quorum-none', effects: [...effects, ...effects] };
    expect(await broken({ ...twice, wire })).to.deep.equal(['I4']);
    expect(await broken({ ...twice, wire: [...wire, '20000 end 2 1 0'] })).to.deep.equal([]);
  });

  it('I5: finds a message of a key that took effect behind a later one', async () => {
    const both = merge(good(A), good(B, 50_000));
    const effects = [`7000 row ${A} 5 1 7 consumer-0`, `57000 row ${B} 5 0 57 consumer-0`];
    expect(await broken({ ...both, row: 'sac', effects })).to.deep.equal(['I5']);
    expect(await broken({ ...both, row: 'quorum', effects })).to.deep.equal([]);
  });

  it('I6: finds a message that was parked and that no handler saw', async () => {
    const { publisher = [], wire = [] } = good(A);
    expect(
      await broken({
        publisher,
        wire: [...wire.slice(0, 3), `8000 copied ${A}`, `9000 ack ${A} 2.1`],
        ends: [`9000 parked ${A}`],
      }),
    ).to.deep.equal(['I6']);
  });

  it('I6: finds an effect of a message that always fails', async () => {
    expect(await broken(good(ALWAYS_FAILS))).to.deep.equal(['I6']);
  });

  it('I7: finds an ack before the commit', async () => {
    const { effects = [], ...rest } = good(A);
    expect(
      await broken({ ...rest, effects: effects.map((line) => line.replace(/ 8 consumer/, ' 11 consumer')) }),
    ).to.deep.equal(['I7']);
  });

  it('I7: finds an ack before the confirm of the copy', async () => {
    const { publisher = [] } = good(A);
    const starts = ['5000 start', '7000 start', '9000 start'].map((each) => `${each} ${A} 1 0 0`);
    const wire = [`2000 confirm ${A}`, `10000 copy ${A} 3.1`, `11000 ack ${A} 2.1`, `12000 copied ${A}`];
    expect(await broken({ publisher, wire, consumer: starts, ends: [`20000 parked ${A}`] })).to.deep.equal(['I7']);
  });

  it('I8: finds a consumer that does not go on, and a queue that does not run empty', async () => {
    const conductor = [
      '1000 fault-begin 1 tcp-cut',
      '2000 fault-end 1 tcp-cut',
      '9000 fault-stuck 1 tcp-cut consumer-0 handled nothing',
    ];
    expect(await broken({ ...good(A), conductor })).to.deep.equal(['I8']);
    expect(await broken({ ...good(A), conductor: ['1000 not-drained 5 messages'] })).to.deep.equal(['I8']);
  });

  it('I8: measures from the end of a fault to the first effect of what was delivered behind it', async () => {
    const conductor = ['500 fault-begin 1 tcp-cut', '600 fault-end 1 tcp-cut', '9000 fault-recovered 1 tcp-cut'];
    const { faults } = await judged({ ...good(A), conductor });
    expect(faults).to.have.length(1);
    expect(faults[0]).to.deep.include({ kind: 'tcp-cut', times: 1 });
    expect(faults[0]?.resumeMs.p50).to.equal(6.4);
    expect(faults[0]?.everyConsumerMs.p50).to.equal(8.4);
    expect(faults[0]?.publishMs.p50).to.equal(3.4);
  });

  it('I9: finds a publish that resolved before its confirm', async () => {
    const { wire = [], ...rest } = good(A);
    expect(
      await broken({ ...rest, wire: wire.map((line) => line.replace('3000 confirm', '4500 confirm')) }),
    ).to.deep.equal(['I9']);
    expect(await broken({ ...rest, wire: wire.filter((line) => !line.includes('confirm')) })).to.deep.equal(['I9']);
  });

  it('I10: finds a message that came back early', async () => {
    const { consumer = [], ...rest } = good(A);
    const waited = (at: number) => [
      `4000 start ${A} 1 0 0`,
      `5000 fail ${A} 1 0 thrown`,
      `${at} start ${A} 2 0 1`,
      ...consumer.slice(1),
    ];
    expect(await broken({ ...rest, row: 'quorum-redeliver', consumer: waited(900_000) })).to.deep.equal(['I10']);
    const { violationCounts, waits } = await judged({ ...rest, row: 'quorum-redeliver', consumer: waited(1_105_000) });
    expect(violationCounts).to.deep.equal({});
    expect(waits).to.deep.equal({ count: 1, lateMs: { p50: 100, p99: 100, max: 100 } });
  });

  it('I11: finds rejections that nobody handled, and processes that end by themselves', async () => {
    const { consumer = [], ...rest } = good(A);
    expect(await broken({ ...rest, consumer: [...consumer, '20000 unhandled rejection Error: no'] })).to.deep.equal([
      'I11',
    ]);
    expect(
      await broken({ ...good(A), conductor: ['20000 ended-by-itself consumer-0.1 ended by itself with 1'] }),
    ).to.deep.equal(['I11']);
  });

  it('I11: finds a heap that grows', async () => {
    const { consumer = [], ...rest } = good(A);
    const memory = (kib: readonly number[]) =>
      kib.map((each, index) => `${10_000 + index * 60_000_000} memory ${each} 90000 10`);
    expect(
      await broken({ ...rest, consumer: [...consumer, ...memory([20_000, 20_000, 20_000, 60_000])] }),
    ).to.deep.equal(['I11']);
    expect(await broken({ ...rest, consumer: [...consumer, ...memory([9000, 15_000, 20_000, 21_000])] })).to.deep.equal(
      [],
    );
  });

  it('I12: finds a process that ends with something half done, late, or with an error', async () => {
    const { consumer = [], ...rest } = good(A);
    const half = consumer.slice(0, 1);
    expect(await broken({ ...rest, consumer: [...half, '20000 sigterm', '30000 exit 0'] })).to.deep.equal(['I12']);
    expect(await broken({ ...rest, consumer: [...consumer, '20000 sigterm', '30000 exit 1'] })).to.deep.equal(['I12']);
    expect(await broken({ ...rest, consumer: [...consumer, '20000 sigterm', '30020000 exit 0'] })).to.deep.equal([
      'I12',
    ]);
    expect(await broken({ ...rest, consumer: [...consumer, '20000 sigterm', '30000 exit 0'] })).to.deep.equal([]);
  });

  it('I13: finds what was committed and never published, and what stays in the outbox', async () => {
    expect(await broken({ ...good(A), row: 'outbox', effects: [], wire: [] })).to.deep.equal(['I13']);
    expect(await broken({ ...good(A), row: 'outbox', ends: ['20000 outbox 3'] })).to.deep.equal(['I13']);
  });

  it('passes over the last line of a process that was killed in the middle of it', async () => {
    const { consumer = [], ...rest } = good(A);
    expect(await broken({ ...rest, consumer: [...consumer, '20000 '] })).to.deep.equal([]);
  });

  it('says by the fault before them how effects came twice: published again, at work when it broke, or in one process', async () => {
    const [c, d] = numbersOf('ok').slice(2) as [number, number];
    const row = (at: number, n: number, process: string) => `${at} row ${n} 0 0 ${at / 1000} ${process}`;
    const { duplicates } = await judged({
      row: 'quorum-none',
      publisher: [A, B, c, d].flatMap((n) => [`1000 attempt ${n}`, `4000 confirm ${n}`]),
      wire: [
        ...[A, B, c, d].flatMap((n) => [`2000 publish ${n} 1.1`, `3000 confirm ${n}`]),
        `90000 publish ${d} 1.1`,
        '100000 end 2 4 0',
        '200000 end 3 4 0',
      ],
      conductor: [
        '50000 fault-begin 1 consumer-kill',
        '51000 fault-end 1 consumer-kill',
        '60000 fault-recovered 1 consumer-kill',
        '80000 fault-begin 2 tcp-cut',
        '81000 fault-end 2 tcp-cut',
        '150000 fault-recovered 2 tcp-cut',
      ],
      effects: [
        row(40_000, A, 'consumer-0'),
        row(70_000, A, 'consumer-1'),
        row(75_000, B, 'consumer-0'),
        row(85_000, c, 'consumer-0'),
        row(95_000, c, 'consumer-0'),
        row(96_000, B, 'consumer-1'),
        row(97_000, d, 'consumer-0'),
        row(98_000, d, 'consumer-1'),
      ],
    });
    expect(duplicates.byFault).to.deep.equal({
      'consumer-kill': { effects: 1, publishedAgain: 0, atWork: 0, inPlace: 0 },
      'tcp-cut': { effects: 3, publishedAgain: 1, atWork: 1, inPlace: 1 },
    });
  });
});

function merge(left: Ledgers, right: Ledgers): Ledgers {
  const both = (name: 'publisher' | 'wire' | 'consumer' | 'effects') => [...(left[name] ?? []), ...(right[name] ?? [])];
  return { publisher: both('publisher'), wire: both('wire'), consumer: both('consumer'), effects: both('effects') };
}

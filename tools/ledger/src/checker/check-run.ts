import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLedger } from '../ledger/read-ledger.js';
import { keepsOrder, type Row } from '../workload/row.js';
import { countAgain } from './again.js';
import { Book, count } from './book.js';
import { ConsumerReader, Waits } from './consumer-reader.js';
import { duplicatesAtMost, judgeMessages } from './judge.js';
import { OverTime } from './over-time.js';
import {
  ConductorReader,
  EffectsReader,
  type LedgerReader,
  type MemoryReader,
  PublisherReader,
  WireReader,
} from './read-into.js';
import { FirstBehind, inFault, percentile } from './timing.js';
import type { FaultFigures, FaultTimes, Percentiles, Verdict } from './verdict.js';
import { Violations } from './violations.js';

/** What the checker has to know of a run besides its ledgers: `run.json` in their folder. */
export interface RunFacts {
  readonly row: Row;
  readonly seed: number;
  readonly version: string;
  readonly minutes: number;
  readonly subject: string;
  /** Whether the queue itself holds back what failed. */
  readonly native: boolean;
}

/** A store that was away is told of an effect in the background, after pauses of up to 30 s. */
const STORE_RETRIES_MICROS = 35_000_000;
const MEMORY_MIN_MINUTES = 1;
const HEAP_GROWTH = 1.1;
// Caches that fill up, such as compiled code, in a process of some 40 MiB.
const HEAP_SLACK_MIB = 12;

/** Reads all ledgers in a folder and judges them. Nothing is changed there: a folder may be judged again. */
export async function checkRun(folder: string): Promise<Verdict> {
  const facts: RunFacts = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  const read = async (name: string, reader: LedgerReader) => {
    const path = join(folder, name);
    if (!existsSync(path)) return;
    for await (const lines of readLedger(path)) for (const line of lines) reader.line(line);
    reader.end?.();
  };
  const book = new Book();
  const violations = new Violations();

  const effects = new EffectsReader(book, violations, keepsOrder(facts.row));
  await read('effects.log', effects);
  const conductor = new ConductorReader(violations);
  await read('conductor.log', conductor);
  const { faults } = conductor;
  const wire = new WireReader(book, violations, faults, conductor.brokerKilledAt);
  await read('wire.log', wire);

  const firstConfirm = new Map<number, number>();
  const memories: { readonly process: string; readonly memory: MemoryReader }[] = [];
  const confirmedOverTime = new OverTime();
  let publishedAgain = 0;
  for (const name of names.filter((each) => each.startsWith('publisher-'))) {
    const publisher = new PublisherReader(book, violations, facts.row.outbox, faults);
    await read(name, publisher);
    keepEarliest(firstConfirm, publisher.firstConfirm);
    publishedAgain += publisher.again;
    confirmedOverTime.add(publisher.overTime);
    memories.push({ process: name.replace('.log', ''), memory: publisher.memory });
  }
  const waits = facts.row.failure === 'redeliver' ? new Waits() : undefined;
  // What was in hand when it broke says nothing of how soon it went on: only what was delivered behind it.
  const behind = faults.map(({ id }) => ({ id, endedAt: wire.firstDelivery.get(id) ?? Number.POSITIVE_INFINITY }));
  const firstEffect = new Map<number, number>();
  const outages = faults.filter(({ kind }) => kind === 'redis-restart');
  const storeAway = (at: number) => inFault(outages, at - STORE_RETRIES_MICROS, at);
  for (const name of names.filter((each) => each.startsWith('consumer-'))) {
    const first = new FirstBehind(behind);
    const consumer = new ConsumerReader(
      name.replace('.log', ''),
      book,
      violations,
      waits,
      (startedAt, at) => first.see(startedAt, at),
      storeAway,
    );
    await read(name, consumer);
    consumer.excuse();
    keepEarliest(firstEffect, first.found);
    memories.push({ process: consumer.name, memory: consumer.memory });
  }
  await read('ends.log', {
    line({ event, words }) {
      const n = Number(words[0]);
      if (event === 'outbox') {
        if (n > 0) violations.add('I13', `${n} messages are still in the outbox`);
        return;
      }
      book.see(n);
      if (event === 'parked') count(book.parked, n);
      if (event === 'dead') count(book.dead, n);
      if (event === 'left') count(book.left, n);
      if (event === 'spoilt')
        violations.add('I2', `m${n} is parked, but not as it was sent: ${words.slice(1).join(' ')}`, n);
      if (event === 'headerless') violations.add('I6', `m${n} is parked without the headers that say why`, n);
    },
  });

  const lateMs = waits?.judge(violations, faults) ?? [];
  const totals = judgeMessages(book, violations, {
    row: facts.row,
    seed: facts.seed,
    deletedAt: conductor.deletedAt,
    countsAtBroker: facts.native,
  });
  const bound = duplicatesAtMost(wire.openAtEnds, conductor.publisherKills, wire.acksBeforeKills);
  if (facts.row.guard !== 'inbox' && totals.effectsAgain > bound) {
    violations.add('I4', `${totals.effectsAgain} duplicates, where the faults explain ${bound} at most`);
  }
  const windows = timesOf(conductor, firstEffect, firstConfirm);
  return {
    messages: {
      attempted: totals.attempted,
      confirmed: totals.confirmed,
      handled: totals.handled,
      parked: totals.parked,
      parkedGood: totals.parkedGood,
      deadLettered: totals.deadLettered,
      excluded: totals.excluded,
      lost: totals.lost,
      phantom: totals.phantom,
      earlyAcks: violations.counts.I7 ?? 0,
      left: totals.left,
    },
    duplicates: {
      effects: totals.effectsAgain,
      percent: totals.handled === 0 ? 0 : (100 * totals.effectsAgain) / totals.handled,
      bound,
      parked: totals.parkedAgain,
      redeliveries: wire.redeliveries,
      publishedAgain,
      byFault: countAgain(effects.again, book, faults),
    },
    faults: figuresOf(windows),
    windows,
    failedFaults: conductor.failedFaults,
    kills: {
      brokers: conductor.brokerKilledAt.length,
      consumers: conductor.consumerKills,
      publishers: conductor.publisherKills,
    },
    series: seriesOf(confirmedOverTime, effects),
    waits: { count: lateMs.length, lateMs: percentiles(lateMs) },
    memory: judgeMemory(memories, violations),
    violations: violations.kept,
    violationCounts: violations.counts,
  };
}

function seriesOf(confirmed: OverTime, { overTime: handled, againOverTime: again }: EffectsReader): Verdict['series'] {
  const seconds = [...confirmed.seconds, ...handled.seconds];
  if (seconds.length === 0) return { from: 0, confirmed: [], handled: [], again: [] };
  const from = seconds.reduce((least, each) => Math.min(least, each));
  const to = seconds.reduce((most, each) => Math.max(most, each));
  return { from, confirmed: confirmed.list(from, to), handled: handled.list(from, to), again: again.list(from, to) };
}

function keepEarliest(into: Map<number, number>, found: ReadonlyMap<number, number>): void {
  for (const [id, at] of found) into.set(id, Math.min(at, into.get(id) ?? at));
}

function timesOf(
  { faults, held }: ConductorReader,
  firstEffect: ReadonlyMap<number, number>,
  firstConfirm: ReadonlyMap<number, number>,
): FaultTimes[] {
  const wasHeld = (from: number, to: number) => held.some((span) => span.from <= to && span.to >= from);
  return faults.map(({ id, kind, wallAt, beganAt, endedAt, recoveredAt }) => {
    const since = (at: number | undefined) => (at === undefined ? undefined : (at - endedAt) / 1000);
    const confirmAt = firstConfirm.get(id);
    const publishes = confirmAt !== undefined && !wasHeld(beganAt, confirmAt);
    return {
      kind,
      wallAt,
      lastedMs: (endedAt - beganAt) / 1000,
      resumeMs: since(firstEffect.get(id)),
      everyConsumerMs: since(recoveredAt),
      publishMs: publishes ? since(confirmAt) : undefined,
    };
  });
}

export function figuresOf(windows: readonly FaultTimes[]): FaultFigures[] {
  const kinds = [...new Set(windows.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const all = windows.filter((window) => window.kind === kind);
    const known = (name: 'resumeMs' | 'everyConsumerMs' | 'publishMs') =>
      percentiles(all.flatMap((window) => window[name] ?? []));
    return {
      kind,
      times: all.length,
      resumeMs: known('resumeMs'),
      everyConsumerMs: known('everyConsumerMs'),
      publishMs: known('publishMs'),
    };
  });
}

export function percentiles(values: readonly number[]): Percentiles {
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: percentile(values, 1) };
}

function judgeMemory(
  memories: readonly { readonly process: string; readonly memory: MemoryReader }[],
  violations: Violations,
): Verdict['memory'] {
  const spans = memories.flatMap(({ process, memory: { first, last } }) => {
    if (first === undefined || last === undefined) return [];
    const minutes = (last.at - first.at) / 60_000_000;
    return [{ process, minutes, startMib: first.heapKib / 1024, endMib: last.heapKib / 1024 }];
  });
  for (const { process, minutes, startMib, endMib } of spans) {
    if (minutes < MEMORY_MIN_MINUTES || endMib <= startMib * HEAP_GROWTH + HEAP_SLACK_MIB) continue;
    violations.add(
      'I11',
      `the heap of ${process} grew from ${startMib.toFixed(1)} to ${endMib.toFixed(1)} MiB in ${minutes.toFixed(1)} minutes`,
    );
  }
  return ['publisher', 'consumer'].flatMap((kind) => {
    const longest = spans
      .filter(({ process }) => process.startsWith(kind))
      .sort((left, right) => right.minutes - left.minutes)[0];
    return longest === undefined ? [] : [longest];
  });
}

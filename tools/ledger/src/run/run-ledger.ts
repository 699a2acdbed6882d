import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import type { BrokerVersion } from '../../../scripts/brokers.mjs';
import { checkRun } from '../checker/check-run.js';
import type { Verdict } from '../checker/verdict.js';
import { chooseFaults, planFaults } from '../faults/deck.js';
import type { Row } from '../workload/row.js';
import { conduct } from './conduct.js';
import type { Grounds } from './grounds.js';
import { Progress } from './progress.js';
import { Random } from './random.js';
import { windUp } from './wind-up.js';
import { World, type WorldOptions } from './world.js';

export interface RunOptions {
  readonly row: Row;
  readonly version: BrokerVersion;
  readonly seed: number;
  readonly minutes: number;
  /** Nodes of the broker. Default 1. */
  readonly nodes?: number;
  /** Kinds of faults by name. Default: all that fit. */
  readonly faults?: readonly string[];
  readonly maxFaults?: number;
  /** So many, of the same kinds and in the same order for each run with this seed. */
  readonly exactly?: number;
  /** So many messages are confirmed between two faults. Default 0. */
  readonly between?: number;
  /** Each of them once, in this order, instead of a shuffled deck. */
  readonly inOrder?: boolean;
  /** Messages a second at most. Default 1500. */
  readonly rate?: number;
  /** What is under test, for the report. Default `leveret`. */
  readonly subject?: string;
  readonly programs?: WorldOptions['programs'];
  readonly imports?: readonly string[];
  readonly environment?: WorldOptions['environment'];
  readonly patienceMs?: number;
  readonly shape?: Partial<
    Pick<
      WorldOptions,
      'publishers' | 'consumers' | 'concurrency' | 'prefetch' | 'retryMs' | 'slowOneIn' | 'handlerMs' | 'heeds'
    >
  >;
  readonly signal?: AbortSignal;
  readonly quiet?: boolean;
  /** Of an earlier run; they stay. */
  readonly grounds?: Grounds;
}

/** What a run was and what it came to, as its JSON report has it. */
export interface RunReport {
  readonly subject: string;
  readonly row: string;
  readonly version: string;
  readonly nodes: number;
  readonly seed: number;
  readonly minutes: number;
  readonly startedAt: string;
  /** Of the sources, where they are known. */
  readonly commit: string | undefined;
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly loadBefore: number;
    readonly loadAfter: number;
  };
  readonly shape: {
    readonly publishers: number;
    readonly consumers: number;
    readonly concurrency: number;
    readonly prefetch: number;
    readonly handlerMs?: number;
  };
  /** Messages a second at most, of all publishers together. */
  readonly rate?: number;
  /** Nothing else ran on the machine, as whoever started it says. */
  readonly alone?: boolean;
  /** All its processes had a high priority on the machine, as whoever started it says. */
  readonly first?: boolean;
  /** One of the control group, which has the same faults for everybody. */
  readonly group?: boolean;
  /** Folder with the ledgers, where they were kept. */
  ledgers?: string;
  readonly verdict: Verdict;
}

/** One run from beginning to end: world up, faults, world down, ledgers judged. */
export async function runLedger(options: RunOptions): Promise<{ readonly report: RunReport; readonly world: World }> {
  const { row, seed, version, minutes, nodes = 1, subject = 'leveret' } = options;
  const shape = { publishers: 2, consumers: 6, concurrency: 12, prefetch: 20, ...options.shape };
  const startedAt = new Date().toISOString();
  const [loadBefore = 0] = loadavg();
  const world = await World.start(
    {
      row,
      seed,
      version,
      nodes,
      rate: options.rate ?? 1500,
      heartbeatSeconds: 5,
      ...shape,
      ...(options.programs && { programs: options.programs }),
      ...(options.imports && { imports: options.imports }),
      ...(options.environment && { environment: options.environment }),
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    },
    options.grounds,
  );
  const native = subject === 'leveret' && row.failure === 'redeliver' && version === '4.3' && row.queue !== 'classic';
  world.writeFacts({ row, seed, version, minutes, subject, native });
  let doing = 'starting';
  let faults = 0;
  const progress = options.quiet
    ? undefined
    : new Progress(() => {
        const { attempted, confirmed, handled } = world.counts;
        return `${attempted} attempted, ${confirmed} confirmed, ${handled} handled; ${faults} faults; ${doing}`;
      });
  try {
    const fitting = chooseFaults(world, options.faults);
    const kinds = options.exactly === undefined ? fitting : planFaults(fitting, options.exactly, new Random(seed));
    await world.spawnAll();
    await conduct(world, {
      minutes,
      kinds,
      seed,
      ...(options.signal && { signal: options.signal }),
      between: options.between ?? 0,
      inOrder: options.inOrder === true || options.exactly !== undefined,
      ...(options.maxFaults !== undefined && { maxFaults: options.maxFaults }),
      onFault: (kind, count) => {
        doing = kind;
        faults = count;
      },
    });
    doing = 'winding up';
    await windUp(world);
    doing = 'judging';
    const verdict = await checkRun(world.folder);
    const [loadAfter = 0] = loadavg();
    const machine = { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown', loadBefore, loadAfter };
    const report = {
      subject,
      row: row.name,
      version,
      nodes,
      seed,
      minutes,
      startedAt,
      commit: commitOf(),
      machine,
      shape,
      rate: options.rate ?? 1500,
      verdict,
    };
    return { report, world };
  } catch (error) {
    console.error(`the ledgers are in ${world.folder}`);
    await world.remove({ keepLedgers: true });
    throw error;
  } finally {
    progress?.stop();
  }
}

/** The commit that is checked out; `LEVERET_COMMIT` where there is no git to ask. */
function commitOf(): string | undefined {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  return process.env['LEVERET_COMMIT'] ?? (stdout?.trim() || undefined);
}

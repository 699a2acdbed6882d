import type { Percentiles, Verdict } from '../checker/verdict.js';
import { INVARIANTS, type Invariant } from '../checker/violations.js';
import type { RunReport } from '../run/run-ledger.js';

/** The report as text for a terminal. */
export function tableOf(report: RunReport): string {
  const { verdict } = report;
  const { messages, duplicates } = verdict;
  const lines = [
    `${report.subject}, row ${report.row}, RabbitMQ ${report.version}${report.nodes > 1 ? ` (${report.nodes} nodes)` : ''}, seed ${report.seed}, ${report.minutes} minutes`,
    '',
    ...columns([
      ['attempted', messages.attempted],
      ['confirmed', messages.confirmed],
      ['handled', messages.handled],
      ['parked', `${messages.parked} (${messages.parkedGood} of them good)`],
      ['dead-lettered', messages.deadLettered],
      ['gone with a deleted queue', messages.excluded],
      ['lost', messages.lost],
      ['phantom', messages.phantom],
      ['acknowledged too early', messages.earlyAcks],
      [
        effectsTitle(report.row),
        `${duplicates.effects} (${duplicates.percent.toFixed(3)} %), explained at most: ${duplicates.bound}`,
      ],
      ['published again', duplicates.publishedAgain],
      ['redelivered', duplicates.redeliveries],
      ...(verdict.failedFaults > 0
        ? [['faults that could not be made', verdict.failedFaults] as [string, number]]
        : []),
      ...(verdict.waits.count > 0
        ? [
            [
              'waits, too long by',
              `${showMs(verdict.waits.lateMs.p50)}, p99 ${showMs(verdict.waits.lateMs.p99)} (${verdict.waits.count})`,
            ] as [string, string],
          ]
        : []),
      ...verdict.memory.map(({ process, minutes, startMib, endMib }): [string, string] => [
        `heap of ${process}`,
        `${startMib.toFixed(1)} MiB, after ${minutes.toFixed(1)} minutes ${endMib.toFixed(1)} MiB`,
      ]),
    ]),
    '',
    ...faultLines(verdict),
    '',
    ...violationLines(verdict),
  ];
  return lines.join('\n');
}

function effectsTitle(row: string): string {
  return row.includes('inbox') ? 'double effects' : 'handled again';
}

function faultLines({ faults }: Verdict): string[] {
  const head = ['fault', 'times', 'goes on p50', 'p99', 'every consumer p50', 'p99', 'publishes p50', 'p99'];
  const rows = faults.map(({ kind, times, resumeMs, everyConsumerMs, publishMs }) => [
    kind,
    String(times),
    ...[resumeMs, everyConsumerMs, publishMs].flatMap((each: Percentiles) => [showMs(each.p50), showMs(each.p99)]),
  ]);
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  '),
  );
}

function violationLines({ violations, violationCounts }: Verdict): string[] {
  const broken = Object.entries(violationCounts) as [Invariant, number][];
  if (broken.length === 0) return ['every invariant holds'];
  return broken.flatMap(([invariant, count]) => [
    `BROKEN ${invariant}: ${INVARIANTS[invariant]}: ${count} times`,
    ...violations
      .filter((each) => each.invariant === invariant)
      .slice(0, 5)
      .map(({ text }) => `  ${text}`),
  ]);
}

function columns(rows: readonly (readonly [string, string | number])[]): string[] {
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`);
}

export function showMs(ms: number | undefined): string {
  return ms === undefined ? '-' : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

import { INVARIANTS, type Invariant } from '../checker/violations.js';
import type { RunReport } from '../run/run-ledger.js';
import { duplicates, escaped, resumes, timeline } from './charts.js';
import { showMs } from './table.js';

/** The report as one page that needs nothing else. */
export function pageOf(report: RunReport, histories: ReadonlyMap<number, readonly string[]>): string {
  const { verdict, machine } = report;
  const broken = Object.keys(verdict.violationCounts) as Invariant[];
  const title = `${report.subject}, ${report.row}, RabbitMQ ${report.version}${report.nodes > 1 ? `, ${report.nodes} nodes` : ''}, seed ${report.seed}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Ledger: ${escaped(title)}</title>
<style>
body { font: 15px/1.5 sans-serif; color: #1f2328; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.3em; } h2 { font-size: 1.1em; margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: 2px 14px 2px 0; text-align: right; } td:first-child, th:first-child { text-align: left; }
th { border-bottom: 1px solid #d0d7de; font-weight: 600; }
.invariants td { vertical-align: top; } .invariants td:nth-child(2) { min-width: 26em; }
svg { max-width: 100%; height: auto; } .holds { color: #1a7f37; } .broken { color: #cf222e; }
pre { background: #f6f8fa; padding: 1em; overflow-x: auto; font-size: 12px; }
.figures { display: flex; gap: 2em; flex-wrap: wrap; } .figures div { text-align: center; } .figures b { display: block; font-size: 1.6em; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${report.minutes} minutes of faults from ${report.startedAt}; ${machine.cores} cores (${escaped(machine.model)}), load ${machine.loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} behind.
${report.shape.publishers} publishers, ${report.shape.consumers} consumers with ${report.shape.concurrency} handlers each, prefetch ${report.shape.prefetch}.</p>
<p class="${broken.length === 0 ? 'holds' : 'broken'}"><b>${broken.length === 0 ? 'Every invariant holds.' : `Broken: ${broken.join(', ')}.`}</b></p>
${figures(report)}
<h2>Messages over time</h2>
${timeline(verdict)}
<h2>Duplicates</h2>
${duplicates(verdict)}
<h2>How soon it goes on</h2>
${resumes(verdict.windows)}
${faultTable(report)}
<h2>Invariants</h2>
${invariantTable(report)}
${historyList(histories)}
</body>
</html>
`;
}

function figures({ verdict: { messages, duplicates, windows } }: RunReport): string {
  const shown: readonly (readonly [string, number])[] = [
    ['confirmed', messages.confirmed],
    ['handled', messages.handled],
    ['parked', messages.parked],
    ['lost', messages.lost],
    ['phantom', messages.phantom],
    ['early acks', messages.earlyAcks],
    ['effects again', duplicates.effects],
    ['faults', windows.length],
  ];
  return `<div class="figures">${shown.map(([name, value]) => `<div><b>${value.toLocaleString('en')}</b>${name}</div>`).join('')}</div>`;
}

function faultTable({ verdict: { faults } }: RunReport): string {
  const rows = faults.map(
    ({ kind, times, resumeMs, everyConsumerMs, publishMs }) =>
      `<tr><td>${kind}</td><td>${times}</td>${[resumeMs, everyConsumerMs, publishMs].map(({ p50, p99 }) => `<td>${showMs(p50)}</td><td>${showMs(p99)}</td>`).join('')}</tr>`,
  );
  return `<table><tr><th>fault</th><th>times</th><th>goes on p50</th><th>p99</th><th>every consumer p50</th><th>p99</th><th>publishes p50</th><th>p99</th></tr>${rows.join('\n')}</table>`;
}

function invariantTable({ verdict: { violations, violationCounts } }: RunReport): string {
  const rows = (Object.entries(INVARIANTS) as [Invariant, string][]).map(([invariant, meaning]) => {
    const count = violationCounts[invariant] ?? 0;
    const texts = violations.filter((each) => each.invariant === invariant).slice(0, 20);
    const listed = texts.map(({ text }) => `<br>${escaped(text)}`).join('');
    return `<tr><td>${invariant}</td><td style="text-align:left">${meaning}</td><td class="${count === 0 ? 'holds' : 'broken'}" style="text-align:left">${count === 0 ? 'holds' : `broken ${count} times${listed}`}</td></tr>`;
  });
  return `<table class="invariants">${rows.join('\n')}</table>`;
}

function historyList(histories: ReadonlyMap<number, readonly string[]>): string {
  if (histories.size === 0) return '';
  const shown = [...histories]
    .slice(0, 50)
    .map(([n, lines]) => `m${n}\n${lines.map((line) => `  ${line}`).join('\n')}`);
  return `<h2>What became of these messages</h2><pre>${escaped(shown.join('\n\n'))}</pre>`;
}

/**
 * `node tools/ledger/record.mjs FOLDER…`: folds the JSON reports of runs (and of `ledger:controls`) into `tools/ledger/results`, small
 * enough to be committed, and writes the tables and pictures of docs/reliability.md anew from all that is there. Without a folder it only
 * writes them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resumes, timeline } from './dist/report/charts.js';
import { showMs } from './dist/report/table.js';

const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
const CHARTS = fileURLToPath(new URL('../../docs/charts', import.meta.url));
const CUTS = ['tcp-cut', 'tcp-cut-one', 'cut-mid-frame'];
/** Cut connections come back in another way since: what they took before says nothing any more. */
const CUT_TIMES_SINCE = '2026-11-27T14:50';
/** Behind the name of a client whose handlers do not stop when their channel is gone. */
const DEAF = '-deaf';
/** In remarks.json: what was run and came to nothing that could be judged. */
const UNJUDGED = 'not judged';

mkdirSync(RESULTS, { recursive: true });
mkdirSync(CHARTS, { recursive: true });
for (const folder of process.argv.slice(2)) for (const name of reportsIn(folder)) fold(join(folder, name), name);
const results = reportsIn(RESULTS)
  .filter((name) => name !== 'remarks.json')
  .map((name) => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')));
const runs = results
  .filter(({ verdict }) => verdict !== undefined)
  .sort((left, right) => left.startedAt.localeCompare(right.startedAt));
const own = runs.filter(({ subject }) => subject === 'leveret' || subject === `leveret${DEAF}`);
// The same workload, faults and rate. Earlier ones, without a rate, published as fast as each could, and do not compare.
const group = runs.filter(({ group: isOfGroup, rate }) => isOfGroup && rate !== undefined);
const controls = results.find((each) => each.controls !== undefined);
draw();
write();
console.log(`${own.length} runs of leveret, ${group.length} of the control group in ${PAGE}`);

function reportsIn(folder) {
  return readdirSync(folder).filter((name) => name.endsWith('.json'));
}

/** Keeps what the page needs: times of faults as lists, no time line. */
function fold(path, name) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  if (report.controls !== undefined) {
    foldControls(report);
    return;
  }
  if (report.verdict === undefined) return;
  const { series, windows, violations, ...verdict } = report.verdict;
  const isBest = report.subject === 'leveret' && !report.group && series.handled.length > 0;
  if (isBest && report.verdict.messages.confirmed > picturedConfirmed()) {
    const caption = `row ${report.row}, RabbitMQ ${report.version}, seed ${report.seed}`;
    writeFileSync(join(CHARTS, 'ledger-timeline.svg'), timeline(report.verdict, caption));
    writeFileSync(join(RESULTS, 'pictured.txt'), `${report.verdict.messages.confirmed}\n`);
  }
  const { ledgers: _ledgers, ...rest } = report;
  const times = {};
  for (const { kind, ...window } of windows) {
    times[kind] ??= { times: 0, resumeMs: [], everyConsumerMs: [], publishMs: [] };
    times[kind].times++;
    for (const what of ['resumeMs', 'everyConsumerMs', 'publishMs']) {
      if (window[what] !== undefined) times[kind][what].push(Math.round(window[what]));
    }
  }
  // A run may have been ended early.
  const minutes = Math.round(series.confirmed.length / 6) / 10;
  const kept = { ...rest, minutes, verdict: { ...verdict, faults: times, violations: violations.slice(0, 5) } };
  writeFileSync(join(RESULTS, name), `${JSON.stringify(kept)}\n`);
}

/** What a control came to last counts; those that were not run again stay. */
function foldControls(report) {
  const file = join(RESULTS, 'controls.json');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).controls : [];
  const byName = new Map([...before, ...report.controls].map((each) => [each.name, each]));
  const inOneRun = byName.size === report.controls.length;
  writeFileSync(file, `${JSON.stringify({ version: report.version, inOneRun, controls: [...byName.values()] })}\n`);
}

function picturedConfirmed() {
  const file = join(RESULTS, 'pictured.txt');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

/** Times of a run say something only if nothing else ran, or it had priority. */
function isQuiet({ alone, first }) {
  return alone === true || first === true;
}

/** What is known of the times of one kind of fault in some runs. */
function timesOfKind(list, kind) {
  const valid = list.filter(({ startedAt }) => !CUTS.includes(kind) || startedAt >= CUT_TIMES_SINCE);
  return valid.flatMap(({ verdict }) => verdict.faults[kind] ?? []);
}

function draw() {
  const quiet = own.filter(isQuiet);
  const shown = quiet.length > 0 ? quiet : own;
  const windows = kindsOf(shown).flatMap((kind) =>
    timesOfKind(shown, kind).flatMap(({ resumeMs }) => resumeMs.map((ms) => ({ kind, resumeMs: ms }))),
  );
  const title = `from the end of a fault to the first effect of what was delivered behind it${quiet.length > 0 ? ', on a machine that did nothing else or gave it priority' : ', on a busy machine'}`;
  writeFileSync(join(CHARTS, 'ledger-resume.svg'), resumes(windows, title));
}

function write() {
  let page = readFileSync(PAGE, 'utf8');
  const parts = {
    totals: totals(),
    runs: runTable(),
    resume: resumeTable(),
    controls: controlTable(),
    group: groupTable(),
  };
  for (const [name, text] of Object.entries(parts)) {
    const place = new RegExp(`(<!-- ledger: ${name} -->\\n)[\\s\\S]*?(<!-- /ledger -->)`);
    if (!place.test(page))
      throw new Error(`docs/reliability.md: expected <!-- ledger: ${name} --> and <!-- /ledger -->`);
    page = page.replace(place, (_all, begin, end) => `${begin}\n${text}\n\n${end}`);
  }
  writeFileSync(PAGE, page);
}

function sum(list, value) {
  return list.reduce((total, each) => total + value(each), 0);
}

function kindsOf(list) {
  return [...new Set(list.flatMap(({ verdict }) => Object.keys(verdict.faults)))].sort();
}

function timesOf(list, kinds) {
  return sum(list, ({ verdict }) => sum(kinds, (kind) => verdict.faults[kind]?.times ?? 0));
}

function count(value) {
  return value.toLocaleString('en');
}

/** None in n independent events: at most 3/n, with 95 % certainty. */
function atMost(n) {
  return n <= 3 ? '' : `${(300 / n).toFixed(n > 300 ? 2 : 1)} %`;
}

function totals() {
  const messages = (name) => sum(own, ({ verdict }) => verdict.messages[name]);
  const inbox = own.filter(({ row }) => row.includes('inbox'));
  const others = own.filter(({ row }) => !row.includes('inbox'));
  const broken = own.filter(({ verdict }) => Object.keys(verdict.violationCounts).length > 0);
  const brokerKills = sum(own, ({ nodes, verdict }) => (nodes === 1 ? verdict.kills.brokers : 0));
  const leaderKills = timesOf(own, ['leader-kill']);
  const faults = [
    ['connections cut', timesOf(own, CUTS), 300],
    ['broker killed (-9)', brokerKills, 30],
    ['consumer process killed (-9)', sum(own, ({ verdict }) => verdict.kills.consumers), 300],
    ['publisher process killed (-9)', sum(own, ({ verdict }) => verdict.kills.publishers)],
    ['rolling restart of all consumers', timesOf(own, ['rolling-restart']), 50],
    ['leader of a quorum queue killed (-9)', leaderKills, 20],
    ['all faults', sum(own, ({ verdict }) => sum(Object.values(verdict.faults), ({ times }) => times))],
  ];
  const doubled = sum(others, ({ verdict }) => verdict.duplicates.effects);
  const handled = sum(others, ({ verdict }) => verdict.messages.handled);
  return [
    `${own.length} runs, ${Math.round(sum(own, ({ minutes }) => minutes))} minutes of faults, RabbitMQ ${[...new Set(own.map(({ version }) => version))].sort().join(' and ')}. Broken invariants: ${broken.length === 0 ? 'none' : broken.map(({ row, seed, verdict }) => `${Object.keys(verdict.violationCounts).join(', ')} in row ${row}, seed ${seed}`).join('; ')}.`,
    '',
    '| messages | |',
    '|---|---|',
    `| confirmed to their publisher (aim: 1,000,000) | ${count(messages('confirmed'))} |`,
    `| handled | ${count(messages('handled'))} |`,
    `| parked in the error queue, as they must be | ${count(messages('parked') - messages('parkedGood'))} |`,
    `| parked although their handler would have succeeded later: the database was away for all attempts | ${count(messages('parkedGood'))} |`,
    `| **lost** | **${count(messages('lost'))}** |`,
    `| **phantom**, damaged or made up | **${count(messages('phantom'))}** |`,
    `| **acknowledged before their effect was committed** | **${count(messages('earlyAcks'))}** |`,
    `| **double effects with the inbox**, of ${count(sum(inbox, ({ verdict }) => verdict.messages.handled))} handled | **${count(sum(inbox, ({ verdict }) => verdict.duplicates.effects))}** |`,
    `| handled again without it, of ${count(handled)} handled; what the faults explain at most | ${count(doubled)} (${handled === 0 ? 0 : ((100 * doubled) / handled).toFixed(2)} %); ${count(sum(others, ({ verdict }) => verdict.duplicates.bound))} |`,
    '',
    '| fault | times | aim | chance of a loss for each, at most |',
    '|---|---|---|---|',
    ...faults.map(([name, times, aim = '']) => `| ${name} | ${count(times)} | ${aim} | ${atMost(times)} |`),
  ].join('\n');
}

function runTable() {
  const remarks = remarksOf(own);
  return [
    '| date | row | RabbitMQ | seed | minutes | confirmed | faults | lost | handled again (explained at most) | load | commit | invariants |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...own.map(({ startedAt, row, version, nodes, seed, minutes, machine, commit = '', judgedAgain, verdict }) => {
      const { messages, duplicates, violationCounts, faults } = verdict;
      const broken = Object.keys(violationCounts);
      const cells = [
        startedAt.slice(0, 10),
        row,
        nodes > 1 ? `${version}, ${nodes} nodes` : version,
        seed,
        minutes,
        count(messages.confirmed),
        sum(Object.values(faults), ({ times }) => times),
        messages.lost,
        row.includes('inbox') ? duplicates.effects : `${count(duplicates.effects)} (${count(duplicates.bound)})`,
        machine.loadBefore.toFixed(0),
        commit,
        broken.length > 0
          ? `broken: ${broken.join(', ')}`
          : judgedAgain
            ? `hold (at first: ${judgedAgain.join(', ')})`
            : 'hold',
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    ...remarks,
  ].join('\n');
}

/** A word on runs that need one, by seed, as people wrote it down. */
function remarksOf(list) {
  const file = join(RESULTS, 'remarks.json');
  const remarks = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const lines = list.flatMap(({ seed }) => (remarks[seed] === undefined ? [] : [`- Seed ${seed}: ${remarks[seed]}`]));
  for (const text of remarks[UNJUDGED] ?? []) lines.push(`- Not judged, and not counted: ${text}`);
  return lines.length === 0 ? [] : ['', ...lines];
}

function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

function resumeTable() {
  const quiet = own.filter(isQuiet);
  const shown = quiet.length > 0 ? quiet : own;
  const kinds = kindsOf(shown);
  const where =
    quiet.length > 0
      ? `${quiet.length} ${quiet.length === 1 ? 'run' : 'runs'} (seeds ${quiet.map(({ seed }) => seed).join(', ')}) on a machine that did nothing else, or gave them priority`
      : 'all runs, on a machine with far more to do than its two cores could: upper bounds';
  return [
    `Of ${where}.`,
    '',
    '| fault | times | goes on, p50 | p99 | every consumer, p50 | p99 | publishes, p50 | p99 |',
    '|---|---|---|---|---|---|---|---|',
    ...kinds.map((kind) => {
      const of = timesOfKind(shown, kind);
      const all = (name) => of.flatMap((each) => each[name]);
      const cells = ['resumeMs', 'everyConsumerMs', 'publishMs'].flatMap((name) => [
        showMs(percentile(all(name), 0.5)),
        showMs(percentile(all(name), 0.99)),
      ]);
      return `| ${kind} | ${sum(of, ({ times }) => times)} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

function controlTable() {
  if (controls === undefined) return 'Not recorded.';
  const found = controls.controls.filter(({ isFound }) => isFound).length;
  return [
    `**${found} of ${controls.controls.length}** were found${controls.inOneRun ? ' in one run' : ''}, on RabbitMQ ${controls.version}.`,
    '',
    '| planted | found by |',
    '|---|---|',
    ...controls.controls.map(
      ({ what, found: by, isFound }) => `| ${what} | ${isFound ? by.join(', ') : '**not found**'} |`,
    ),
  ].join('\n');
}

function groupTable() {
  if (group.length === 0) return 'Not recorded.';
  const subjects = [...new Set(group.map(({ subject }) => subject))].sort((left, right) => rank(left) - rank(right));
  const kinds = kindsOf(group);
  const [{ rate, shape }] = group;
  const distinct = (value) => [...new Set(group.map(value))].sort().join(', ');
  const of = (subject) => group.filter((each) => each.subject === subject);
  return [
    `Seeds ${distinct(({ seed }) => seed)}; RabbitMQ ${distinct(({ version }) => version)}; ${rate} messages a second, of ${shape.handlerMs} ms each. Times each fault was made in one run: ${kinds.map((kind) => `${kind} ${timesOf(group.slice(0, 1), [kind])}`).join(', ')}.`,
    '',
    '| | runs | faults | confirmed | lost | handled again | of those published again | at work when it broke | otherwise | early acks | goes on after a cut, p50 | p99 | after a broker kill, p50 | other invariants broken |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...subjects.map((subject) => groupRow(subject, of(subject))),
    '',
    'Handled again, by the kind of fault that began last before:',
    '',
    `| | ${kinds.join(' | ')} |`,
    `|---|${kinds.map(() => '---').join('|')}|`,
    ...subjects.map((subject) => {
      const cells = kinds.map((kind) =>
        sum(of(subject), ({ verdict }) => verdict.duplicates.byFault[kind]?.effects ?? 0),
      );
      return `| ${titleOf(subject)} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

function groupRow(subject, of) {
  const messages = (name) => sum(of, ({ verdict }) => verdict.messages[name]);
  const again = (name) =>
    sum(of, ({ verdict }) => sum(Object.values(verdict.duplicates.byFault), (figures) => figures[name]));
  const times = (list, kinds) =>
    list.flatMap(({ verdict }) => kinds.flatMap((kind) => verdict.faults[kind]?.everyConsumerMs ?? []));
  const cuts = times(of, CUTS);
  const others = [...new Set(of.flatMap(({ verdict }) => Object.keys(verdict.violationCounts)))];
  const cells = [
    titleOf(subject),
    of.length,
    sum(of, ({ verdict }) => sum(Object.values(verdict.faults), (fault) => fault.times)),
    count(messages('confirmed')),
    messages('lost'),
    `**${count(again('effects'))}**`,
    again('publishedAgain'),
    again('atWork'),
    again('effects') - again('publishedAgain') - again('atWork'),
    messages('earlyAcks'),
    showMs(percentile(cuts, 0.5)),
    showMs(percentile(cuts, 0.99)),
    showMs(percentile(times(of, ['broker-kill']), 0.5)),
    others.filter((each) => each !== 'I1').join(', ') || 'none',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** leveret first, and a client before the same with deaf handlers. */
function rank(subject) {
  const order = ['leveret', 'amqplib', 'golevelup', 'rabbitmq-client', 'rascal'];
  return order.indexOf(subject.replace(DEAF, '')) * 2 + (subject.endsWith(DEAF) ? 1 : 0);
}

function titleOf(subject) {
  return subject.endsWith(DEAF) ? `${subject.replace(DEAF, '')}, its handlers not stopped` : subject;
}

/**
 * `npm run soak [messages] [cuts] [kills]`: 100,000 messages through a private broker while every connection is cut 50
 * times and the broker is killed and started 5 times. Ends with 0 only if each message was handled, none was
 * acknowledged that was not, the queue is empty, duplicates by cuts are bounded, and the heap has not grown.
 * `--plant=ack-before-handling` plants that fault, and has to end with 1.
 */

import { runSoak } from '../../packages/leveret/dist-test/soak/run-soak.js';
import { isRight } from '../../packages/leveret/dist-test/soak/soak-ledger.js';
import { readArguments } from '../scripts/arguments.mjs';
import { startNode, whyUnavailable } from '../scripts/brokers.mjs';

const HEAP_GROWTH_MIB = 15;

const { values, positionals } = readArguments(import.meta.url, { plant: { type: 'string' } }, { positionals: true });
const [messages = 100_000, cuts = 50, kills = 5] = positionals.map(Number);
if (![messages, cuts, kills].every(Number.isSafeInteger)) {
  console.error(`expected whole numbers of messages, cuts and kills; received ${positionals.join(' ')}`);
  process.exit(2);
}

const reason = whyUnavailable();
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
const node = await startNode();
try {
  console.log(`RabbitMQ ${node.version}: ${messages} messages, ${cuts} cuts, ${kills} kills`);
  const report = await runSoak({
    node,
    messages,
    cuts,
    kills,
    log: (line) => console.log(`  ${line}`),
    ...(values.plant && { plant: values.plant }),
  });
  const { verdict, handled, duplicates, duplicatesByCutsAtMost, publishedAgain, seconds, resumedMs, heapMib } = report;
  const grown = heapMib.late - heapMib.early;
  console.table({
    'handled at least once': handled,
    'confirmed but never handled': verdict.lost.length,
    'acknowledged before handled': verdict.ackedUnhandled,
    'settled several at once': verdict.multiple,
    'failing, but not parked': verdict.notParked.length,
    'left on the queue': verdict.left,
    'handled again after a cut': duplicates.byCuts,
    'handled again after a cut, at most': duplicatesByCutsAtMost,
    'handled again after a kill': duplicates.byKills,
    'published again': publishedAgain,
    'consuming again after a cut, median ms': middle(resumedMs.cut),
    'consuming again after a cut, longest ms': longest(resumedMs.cut),
    'consuming again after a kill, longest ms': longest(resumedMs.kill),
    'heap after a fifth, MiB': Math.round(heapMib.early),
    'heap at the end, MiB': Math.round(heapMib.late),
    seconds: Math.round(seconds),
  });
  const right =
    isRight(verdict) && handled === messages && duplicates.byCuts <= duplicatesByCutsAtMost && grown < HEAP_GROWTH_MIB;
  console.log(right ? 'nothing lost' : 'NOT RIGHT');
  process.exitCode = right ? 0 : 1;
} finally {
  await node.remove();
}

function middle(values) {
  return Math.round([...values].sort((left, right) => left - right)[values.length >> 1] ?? 0);
}

function longest(values) {
  return Math.round(Math.max(0, ...values));
}

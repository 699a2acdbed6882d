import { Container } from 'inversify';
import { Leveret, LeveretError, type LeveretOptions, silentLogger } from 'leveret';
import { readArguments, USAGE } from './arguments.js';
import { chooseBroker, type DemoBroker } from './choose-broker.js';
import { CodeBehind, type Excerpt } from './excerpt.js';
import { Journal } from './journal.js';
import { FailedMessagesListener, PayStatusListener } from './listeners.js';
import { expires, lookFor, names, run } from './names.js';
import { nextSteps } from './next-steps.js';
import { orderStories } from './order-stories.js';
import { WarehouseListener } from './outage-story.js';
import { EnterKey } from './pause-for-enter.js';
import { PayNews } from './pay-news.js';
import { Services } from './services.js';
import { stories } from './stories.js';
import { heading, legend, paint, step } from './trace.js';
import { showPage } from './web.js';

/** Whatever hangs, the demo ends. */
const LIMIT_MS = 90_000;

const journal = new Journal();
const container = new Container();
container.bind(Journal).toConstantValue(journal);

const optionsFor = (url: string): LeveretOptions => ({
  connection: { urls: url, name: `leveret.demo.${run}`, connectionTimeout: '5s', startTimeout: '5s' },
  publisher: { retry: { maxAttempts: 3, initialInterval: '200ms' } },
  listeners: [PayStatusListener, FailedMessagesListener, WarehouseListener],
  topology: {
    exchanges: [{ name: names.errorExchange, autoDelete: true }],
    queues: [
      { name: names.errorQueue, expires },
      // The demo reads its error queue; here the same copies stay for whoever wants to look.
      { name: names.parkedQueue, expires: lookFor },
      { name: names.fullQueue, expires, maxLength: 1, overflow: 'reject-publish' },
    ],
    bindings: [names.errorQueue, names.parkedQueue].map((queue) => ({
      exchange: names.errorExchange,
      queue,
      routingKey: 'error',
    })),
  },
  container,
  logger: silentLogger,
  onEvent: (event) => {
    if (event.type === 'connected' && event.role === 'consume')
      console.log(`${event.broker.product} ${event.broker.version} at ${event.host}, run ${run}`);
    journal.on(event);
  },
});

const titles = [...stories, ...orderStories].map(({ title }) => title);
const asked = readArguments(process.argv.slice(2), titles);
switch (asked.kind) {
  case 'help':
    console.log(USAGE);
    break;
  case 'refused':
    console.error(`${asked.fault}\n\n${USAGE}`);
    process.exitCode = 1;
    break;
  case 'web':
    await showPage(asked.open);
    break;
  case 'scenes':
    process.exitCode = (await withinLimit(asked)) ? 0 : 1;
}

/** What is to be told, and how. */
interface Telling {
  readonly embedded: boolean;
  readonly step: boolean;
  readonly only: ReadonlySet<number> | undefined;
}

async function withinLimit(telling: Telling): Promise<boolean> {
  // Whoever presses Enter has all the time.
  const limit = telling.step
    ? undefined
    : setTimeout(() => {
        console.error(`The demo did not end within ${LIMIT_MS / 1000} seconds.`);
        process.exit(1);
      }, LIMIT_MS);
  try {
    return await main(telling);
  } finally {
    clearTimeout(limit);
  }
}

async function main(telling: Telling): Promise<boolean> {
  const isTold = (number: number) => telling.only === undefined || telling.only.has(number);
  using enter = telling.step ? new EnterKey() : undefined;
  const behind = new CodeBehind();
  try {
    await using broker = await chooseBroker(telling.embedded);
    await using app = await Leveret.start(optionsFor(broker.url));
    app.publisher.onConfirm(({ ack, messageId, publication: { exchange } }) => {
      if (ack && exchange === names.errorExchange)
        journal.write(messageId ?? '', 'broker', 'has a copy for the error queue', 'cyan');
    });
    legend();
    const manner = { isTold, enter, behind };
    const ofMessages = await tellAll(stories, { app, journal }, 1, manner);
    if (!orderStories.some((_, index) => isTold(stories.length + 1 + index))) return conclude(ofMessages, [], broker);
    heading('Two services, each in a process and with a database of its own');
    await using services = await Services.start(broker.url, run);
    await using news = await PayNews.start(broker.url, run);
    step('pay', 'takes payments over HTTP, and publishes them from its outbox');
    step('trade', 'follows the news of payments, and asks for what it has not heard of');
    const ofOrders = await tellAll(orderStories, { services, news }, stories.length + 1, manner);
    return conclude(ofMessages, ofOrders, broker);
  } catch (error) {
    if (!LeveretError.is(error)) throw error;
    console.error(`The demo needs a RabbitMQ. ${error.message}`);
    console.error('Start one (docker compose up -d), or say where one is: AMQP_URL=amqp://user:password@host:5672');
    return false;
  }
}

/** How scenes are told. */
interface Manner {
  readonly isTold: (number: number) => boolean;
  readonly enter: EnterKey | undefined;
  readonly behind: CodeBehind;
}

/** Title, end, and whether that is as it should be. */
type Row = readonly [string, string, boolean];

async function tellAll<Stage>(
  stories: readonly {
    readonly title: string;
    readonly expected: string;
    readonly code: Excerpt;
    tell(stage: Stage): Promise<string>;
  }[],
  stage: Stage,
  first: number,
  { isTold, enter, behind }: Manner,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, { title, expected, code, tell }] of stories.entries()) {
    const number = first + index;
    if (!isTold(number)) continue;
    if (enter !== undefined) {
      console.log(paint('dim', `\nEnter: scene ${number}, ${title}`));
      await enter.wait();
    }
    heading(`${number}. ${title}`);
    behind.show(code, number);
    const ended = await tell(stage).catch((error: unknown) => `failed: ${String(error)}`);
    rows.push([title, ended, ended === expected]);
    if (ended !== expected) step('demo', `expected ${expected}, but it ended: ${ended}`, 'red');
  }
  return rows;
}

/** The table at the end: where each message and each order ended, and whether it should. */
function conclude(ofMessages: readonly Row[], ofOrders: readonly Row[], broker: DemoBroker): boolean {
  const rows = [...ofMessages, ...ofOrders];
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  for (const [what, each] of [
    ['message -> where it ended -> as expected?', ofMessages],
    ['order -> its end state -> as expected?', ofOrders],
  ] as const) {
    if (each.length === 0) continue;
    heading(what);
    for (const [title, ended, right] of each) {
      const verdict = right ? paint('green', 'yes') : paint('red', 'NO');
      console.log(`  ${title.padEnd(width(0))}  ${ended.padEnd(width(1))}  ${verdict}`);
    }
  }
  const wrong = rows.filter(([, , right]) => !right).length;
  const summary =
    wrong === 0
      ? `All ${counted(ofMessages, ofOrders)} ended where they should.`
      : `${wrong} of ${counted(ofMessages, ofOrders)} did not end where they should.`;
  console.log(`\n${paint(wrong === 0 ? 'green' : 'red', summary)}`);
  nextSteps(broker.outlives ? names.parkedQueue : undefined);
  return wrong === 0;
}

/** `12 messages and 5 orders`, or what there is of it. */
function counted(ofMessages: readonly Row[], ofOrders: readonly Row[]): string {
  const parts = [
    [ofMessages.length, 'message'],
    [ofOrders.length, 'order'],
  ] as const;
  const some = parts.filter(([count]) => count > 0);
  return some.map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(' and ');
}

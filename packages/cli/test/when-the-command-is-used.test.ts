import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '@leveret/cli';
import { OperationsSession, publishOne } from '@leveret/operations';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';

const PROGRAM = new URL('./program.js', import.meta.url).pathname;

onEachNode('when the command is used', (node) => {
  const id = `cli-${process.pid}-${Date.now()}`;
  const [work, errors] = [`${id}-work`, `${id}.dlq`];
  const folder = mkdtempSync(join(tmpdir(), 'leveret-cli-'));
  let session: OperationsSession;

  async function run(...args: readonly string[]) {
    return runWith({}, ...args);
  }

  async function runWith(more: Partial<NonNullable<Parameters<typeof main>[1]>> | string, ...args: readonly string[]) {
    let [out, err] = ['', ''];
    const io = {
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
      isTerminal: true,
      env: { AMQP_URL: node.url, MANAGEMENT_URL: node.managementUrl, PATH: process.env['PATH'], EDITOR: 'true' },
      input: async () => (typeof more === 'string' ? more : ''),
      signal: new AbortController().signal,
      ...(typeof more === 'string' ? {} : more),
    };
    const code = await main(args, io);
    return { code, out, err };
  }

  /** Asks until the answer is as it is to be, for 15 s: the management API counts every 5 s. */
  async function untilSeen<T>(ask: () => Promise<T>, isSeen: (answer: T) => boolean): Promise<T> {
    const until = performance.now() + 15_000;
    for (;;) {
      const answer = await ask();
      if (isSeen(answer)) return answer;
      if (performance.now() > until) throw new Error(`not seen within 15 s: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const json = async (...args: readonly string[]) => JSON.parse((await run(...args, '--json')).out);

  async function park(messageId: string, body = '{"id":1}', error = 'no order'): Promise<void> {
    const headers = {
      ...{ 'x-leveret-queue': work, 'x-leveret-listener': 'L.on', 'x-leveret-error-name': 'Error' },
      ...{ 'x-leveret-fingerprint': 'aaaaaaaa11111111', 'x-exception-message': error, 'x-original-exchange': '' },
      ...{ 'x-original-routingKey': work, 'x-leveret-last-failed-at': '2026-11-27T10:00:00.000Z' },
    };
    const properties = { messageId, contentType: 'application/json' };
    await publishOne(session, { exchange: '', routingKey: errors, body: Buffer.from(body), headers, properties });
  }

  const { AMQP_URL } = process.env;
  before(async () => {
    process.env['AMQP_URL'] = node.url;
    session = await OperationsSession.connect({ connection: { urls: node.url }, management: false });
    for (const queue of [work, errors]) await session.broker.declareQueue(queue);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    // Without such a node all of this was skipped.
    if (session === undefined) return;
    if (AMQP_URL === undefined) delete process.env['AMQP_URL'];
    else process.env['AMQP_URL'] = AMQP_URL;
    for (const queue of [work, errors, `${id}-q`, `${id}-bound`]) await session.broker.deleteQueue(queue);
    await session.broker.deleteExchange(`${id}-ex`);
    await session.close();
  });

  it('lists groups, shows a message, and shows nothing that moves the cursor', async () => {
    await park('m1', '{"id":1}', 'no \u001b[31morder\n');
    await park('m2');
    const listed = await run('errors', '-q', errors);
    expect(listed.code).to.equal(0);
    expect(listed.out)
      .to.match(/^GROUP {5}COUNT/)
      .and.include('aaaaaaaa  2');
    const { groups, queues } = await json('errors', 'list', '-q', errors);
    expect(groups[0]).to.include({ id: 'aaaaaaaa11111111', count: 2 });
    expect(queues[0]).to.include({ name: errors, messages: 2, isComplete: true });
    const shown = await run('errors', 'show', 'm1', '-q', errors);
    expect(shown.out).to.include('"id": 1').and.include('L.on').and.not.include('\u001b');
    expect((await run('errors', 'show', 'aaaaaaaa')).out).to.include('1 more like it');
    expect(await json('errors', 'show', 'aaaaaaaa', '--all', '-q', errors)).to.have.length(2);
    expect((await run('errors', 'show', 'nothing', '-q', errors)).code).to.equal(3);
  });

  it('finds error queues by itself, and needs their names where nobody can tell', async () => {
    expect((await json('errors')).queues.map(({ name }: { name: string }) => name)).to.include(errors);
    const refused = await run('errors', '--no-management');
    expect(refused.code).to.equal(1);
    expect(refused.err).to.include('LEV_OPERATION_REFUSED');
  });

  it('exports, discards, undoes and imports', async () => {
    const file = join(folder, 'errors.jsonl');
    expect((await run('errors', 'export', '-q', errors, '-o', file)).out).to.include('2 written');
    const lines = (await run('errors', 'export', 'm1', '-q', errors)).out;
    expect(JSON.parse(lines)).to.deep.include({ body: { text: '{"id":1}' } });
    expect((await run('errors', 'export', 'm9', '-q', errors)).code).to.equal(3);
    expect((await run('errors', 'discard', 'm1', '-q', errors, '--dry-run')).out).to.include('1 would be');
    const { undo, discarded } = await json('errors', 'discard', '--all', '-q', errors);
    expect(discarded).to.equal(2);
    expect(await json('errors', 'undo', undo)).to.eql({ back: 2 });
    expect((await run('errors', 'undo', undo)).code).to.equal(3);
    expect(await json('errors', 'discard', '--all', '-q', errors, '--undo-for', '0')).to.include({ discarded: 2 });
    expect((await run('errors', 'import', file)).out).to.include('2 imported');
    expect((await runWith(readFileSync(file, 'utf8'), 'errors', 'import', '-')).out).to.include('2 were there');
  });

  it('retries with a dry run, a canary that nobody hears of, and for good', async () => {
    const dry = await run('errors', 'retry', '--all', '-q', errors, '--dry-run');
    expect(dry.out).to.include(work).and.include('2 would be sent');
    const canary = await run('errors', 'retry', 'm1', 'm2', '-q', errors, '--canary', '1', '--canary-timeout', '100ms');
    expect(canary.code).to.equal(2);
    expect(canary.out).to.include('1 not heard of').and.include('nothing was heard');
    const sent = await json('errors', 'retry', '--all', '-q', errors, '--rate', '100/s');
    expect(sent).to.include({ sent: 1, left: 0 });
    expect((await run('errors', 'retry', '--resume', '-q', errors)).out).to.include('0 sent');
    expect((await session.broker.queue(work))?.messages).to.equal(2);
    expect((await run('errors', '-q', errors)).out).to.include('Nothing is parked');
  });

  it('edits by --set, by a header, by a file, and in an editor that changes nothing', async () => {
    for (const messageId of ['e1', 'e2', 'e3']) await park(messageId);
    const edited = await json(
      'errors',
      'edit',
      'e1',
      '-q',
      errors,
      '--set',
      'id=7',
      '--header',
      'x-by=hand',
      '--header',
      'gone',
    );
    expect(edited).to.include({ editOf: 'e1', routingKey: work, sent: true });
    const dry = await run('errors', 'edit', 'e2', '-q', errors, '--body-file', PROGRAM, '--dry-run');
    expect(dry.out).to.include('Would be sent');
    expect((await runWith('{}', 'errors', 'edit', 'e2', '-q', errors, '--body-file', '-')).code).to.equal(0);
    const unchanged = await run('errors', 'edit', 'e3', '-q', errors);
    expect([unchanged.code, unchanged.err]).to.eql([2, 'Nothing was changed, and nothing sent.\n']);
    expect((await run('errors', 'edit', 'e9', '-q', errors, '--set', 'a=1')).code).to.equal(3);
    expect((await run('errors', 'edit', 'e3', '-q', errors, '--set', 'a.b=1')).err).to.include('nothing to set');
  });

  it('publishes, and follows copies', async () => {
    await session.broker.declareExchange(`${id}-ex`, 'topic');
    await session.broker.declareQueue(`${id}-bound`);
    await session.broker.bindQueue(`${id}-bound`, `${id}-ex`, 'a.#');
    for (const args of [
      ['tail', `${id}-bound`],
      ['tail', '--exchange', `${id}-ex`, '--json'],
    ]) {
      const tailing = run(...args, '-n', '1');
      let isDone = false;
      void tailing.then(() => {
        isDone = true;
      });
      while (!isDone)
        await run('publish', '--exchange', `${id}-ex`, '--key', 'a.b', '--body', '{"n":1}', '--header', 'h=1');
      expect((await tailing).out)
        .to.include('a.b')
        .and.match(/n\W+1/);
    }
    expect((await run('tail', work)).err).to.include('no bindings');
    expect((await run('tail', 'no-such-queue')).code).to.equal(3);
    const lost = await run('publish', '--queue', 'no-such-queue', '--body', 'x', '--json');
    expect(lost.code).to.equal(1);
    expect(JSON.parse(lost.err).error.code).to.equal('LEV_PUBLISH_UNROUTABLE');
    expect((await runWith('x', 'publish', '--queue', work, '--body-file', '-')).out).to.include('Confirmed');
  });

  it('plans, applies, and plans again, by a program and by exported definitions', async function () {
    this.timeout(60_000);
    process.env['LEVERET_CLI_TEST_QUEUE'] = `${id}-q`;
    const before = await json('plan', PROGRAM);
    expect(before.drift.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`)).to.eql([
      `create ${id}-q`,
    ]);
    expect((await run('plan', PROGRAM, '--against', node.url)).code).to.equal(2);
    expect((await run('apply', PROGRAM)).out).to.include('1 queues');
    expect((await run('plan', PROGRAM)).out).to.equal('Nothing differs.\n');
    const file = join(folder, 'definitions.json');
    writeFileSync(
      file,
      JSON.stringify({ queues: [{ name: `${id}-q`, durable: true, arguments: { 'x-max-length': 1 } }] }),
    );
    const drift = await run('plan', PROGRAM, '--against', file);
    expect(drift.out).to.include('x-max-length is 1, wanted not set').and.include('by a policy');
    writeFileSync(file, 'no json');
    expect((await run('plan', PROGRAM, '--against', file)).err).to.include('cannot be read as JSON');
    const nothing = join(folder, 'nothing.mjs');
    writeFileSync(nothing, '');
    expect((await run('plan', nothing)).err).to.include('started no application');
    const doctor = await json('doctor', PROGRAM);
    expect(doctor.isWhole).to.equal(true);
    expect(doctor.findings.filter(({ about }: { about: string }) => about === `${id}-q`)).to.eql([]);
    expect((await run('doctor', '--no-management')).err).to.include('not looked at');
  });

  it('shows what queues do: in lines, as JSON, and on a screen until q', async () => {
    const [queue, dlq] = [`${id}-top`, `${id}-top.dlq`];
    for (const name of [queue, dlq]) await session.broker.declareQueue(name);
    await publishOne(session, { exchange: '', routingKey: dlq, body: Buffer.from('1') });
    const consumer = await session.broker.consume(queue, { prefetch: 0 }, { delivered: () => {}, ended: () => {} });
    const lines = await run('top', queue, dlq, 'no-such-queue', '--no-management', '-n', '2', '--interval', '10ms');
    expect(lines.code).to.equal(0);
    expect(lines.out)
      .to.include('no management API')
      .and.include('not there')
      .and.match(/top\.dlq +1 /);
    const named = await run('top', queue, '--json', '-n', '2', '--interval', '10ms');
    const samples = named.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(samples.map(({ source, queues }) => [source, queues[0].name])).to.eql(Array(2).fill(['management', queue]));
    expect((await run('top', '--no-management')).err).to.include('Name the queues');
    const all = await untilSeen(
      () => json('top', '-n', '1'),
      (sample) => {
        const found = sample.queues.find(({ name }: { name: string }) => name === dlq);
        return found?.ready === 1 && found.isErrorQueue;
      },
    );
    expect(all.queues.map(({ name }: { name: string }) => name)).to.include.members([queue, dlq]);
    let [screen, onKeys] = ['', (_keys: string) => {}];
    const fake = {
      ...{ columns: 200, rows: 50, setRawMode: () => {}, onEnd: () => () => {} },
      write: (text: string) => {
        screen += text;
      },
      listen: (keys: typeof onKeys) => {
        onKeys = keys;
        return () => {};
      },
    };
    const watching = runWith({ screen: () => fake }, 'top', queue, '--interval', '10ms');
    await untilSeen(
      async () => screen,
      (text) => text.split('GROWTH').length > 3,
    );
    onKeys('q');
    expect(await watching).to.include({ code: 0, out: '' });
    expect(screen).to.include(queue);
    expect(screen.endsWith('\u001b[?1049l')).to.equal(true);
    await consumer.close();
    for (const name of [queue, dlq]) await session.broker.deleteQueue(name);
  }).timeout(30_000);

  it('migrates a queue, says first what that comes to, and leads back', async () => {
    const [queue, to] = [`${id}-old`, `${id}-old.v2`];
    await session.broker.declareQueue(queue, { arguments: { 'x-max-priority': 3 } });
    await publishOne(session, { exchange: '', routingKey: queue, body: Buffer.from('1') });
    const migrate = ['migrate', 'queue', queue, '--to', 'quorum'];
    const dry = await run(...migrate, '--dry-run');
    expect([dry.code, dry.out.includes('--without x-max-priority')]).to.eql([2, true]);
    expect((await run(...migrate)).err).to.include('nothing was touched');
    const moved = await run(...migrate, '--without', 'x-max-priority', '--argument', 'x-delivery-limit=7');
    expect(moved.code, moved.err).to.equal(0);
    expect(moved.out).to.include(`1 messages moved to ${to}`);
    expect(await json(...migrate, '--dry-run')).to.deep.include({
      isUnderWay: true,
      arguments: { 'x-delivery-limit': 7, 'x-queue-type': 'quorum' },
    });
    const consumer = await session.broker.consume(to, { prefetch: 0 }, { delivered: () => {}, ended: () => {} });
    expect(await json(...migrate, '--commit')).to.include({ state: 'committed' });
    await consumer.close();
    expect((await run(...migrate, '--rollback')).code).to.equal(3);
    expect((await session.broker.queue(to))?.messages).to.equal(1);
    await session.broker.deleteQueue(to);
  }).timeout(60_000);

  it('says what is wrong with a command line', async () => {
    for (const args of [
      ['nonsense'],
      ['errors', 'retry', '-q', errors],
      ['errors', 'retry', 'a', '--all'],
      ['errors', 'retry', '--all', '--rate', 'fast'],
      ['errors', 'retry', '--all', '--canary', '0'],
      ['errors', 'discard', '--all', '--undo-for', 'x'],
      ['tail'],
      ['publish', '--body', 'x'],
      ['publish', '--queue', 'q'],
      ['completion', 'cmd'],
      ['migrate', 'queue', 'q'],
      ['migrate', 'queue', 'q', '--to', 'stream'],
      ['migrate', 'queue', 'q', '--to', 'quorum', '--commit', '--rollback'],
      ['migrate', 'queue', 'q', '--to', 'quorum', '--argument', 'x'],
    ]) {
      expect((await run(...args)).code, args.join(' ')).to.equal(64);
    }
    const help = await run('errors', 'retry', '--help');
    expect(help.code).to.equal(0);
    expect(help.out).to.include('Examples:').and.include('--canary');
    expect((await run('--version')).out).to.match(/^\d+\.\d+\.\d+/);
    for (const shell of ['bash', 'zsh', 'fish']) expect((await run('completion', shell)).out).to.include('errors');
    const gone = await run('errors', '-q', 'x', '--amqp', 'amqp://127.0.0.1:1');
    expect([gone.code, gone.err.includes('LEV_CONNECTION_FAILED')]).to.eql([1, true]);
  });
});

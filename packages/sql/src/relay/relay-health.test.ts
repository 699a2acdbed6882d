import { type ApplicationPart, type LogFields, type PartEvent, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender, nacked, offline } from '../test-support/fake-sender.js';
import { OutboxRelay } from './outbox-relay.js';

/** The publisher of an application, and what the application sees. */
class Application extends FakeSender {
  readonly parts = new Set<ApplicationPart>();
  readonly events: PartEvent[] = [];
  readonly lines: string[] = [];

  attach(part: ApplicationPart) {
    this.parts.add(part);
    const line = (_: LogFields, text: string) => void this.lines.push(text);
    return {
      logger: { ...silentLogger, warn: line, error: line },
      emit: (event: PartEvent) => void this.events.push(event),
      detach: () => void this.parts.delete(part),
    };
  }

  get concerns(): readonly string[] {
    return [...this.parts].flatMap((part) => part.concerns());
  }
}

describeOnEachDatabase('OutboxRelay as a part of an application', (at) => {
  const relays: OutboxRelay<unknown>[] = [];
  const start = (application: Application) => {
    const relay = new OutboxRelay(at.database, application, { pollInterval: 20, maxFailures: 1, retention: false });
    relays.push(relay);
    return relay.start();
  };
  const put = () => at.database.transaction((tx) => new Outbox(at.database).publish(tx, 'e', 'k', 'x'));
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
    await at.database.query('DELETE FROM leveret_outbox');
  });

  it('tells of a parked message in its log, its events and its health', async () => {
    const application = new Application();
    application.answer = () => nacked();
    await put();
    const relay = start(application);
    await eventually('it is parked', () => relay.stats.parked === 1 && application.concerns.length === 1);
    expect(application.lines).to.deep.equal(['a message of the outbox is parked: it waits for a person']);
    expect(application.events.map(({ type, part }) => [type, part])).to.deep.equal([
      ['message-parked', 'outbox relay of test'],
      ['part-degraded', 'outbox relay of test'],
    ]);
    expect(application.concerns).to.deep.equal([
      'parked messages wait for a person: LEV_PUBLISH_NACKED: the queue is full',
    ]);
    await relay.stop();
    expect(application.parts.size).to.equal(0);
  });

  it('finds at its start what was parked before', async () => {
    const application = new Application();
    await put();
    await at.database.query(`UPDATE leveret_outbox SET parked_at = 1, due_at = NULL, error = 'full'`);
    start(application);
    await eventually('it is told', () => application.concerns.length === 1);
    expect(application.concerns).to.deep.equal(['parked messages wait for a person: full']);
  });

  it('goes on as soon as there is a connection again, whatever wait it had come to', async () => {
    const application = new Application();
    application.answer = () => offline();
    await put();
    const relay = start(application);
    // 0.5 s, 1 s, and then 2 s at least.
    await eventually('the third outage', () => relay.stats.outages === 3);
    application.answer = () => undefined;
    const backAt = performance.now();
    for (const part of application.parts) part.publishable?.();
    await eventually('it is published', () => relay.stats.published === 1);
    expect(performance.now() - backAt).to.be.below(1500);
  });

  it('tells that nothing can be published, and when it can again', async () => {
    const application = new Application();
    application.answer = (_, times) => (times === 1 ? offline() : undefined);
    await put();
    start(application);
    await eventually('it is told', () => application.concerns.length === 1);
    expect(application.concerns).to.deep.equal(['messages cannot be published: no connection']);
    await eventually('it is well again', () => application.events.at(-1)?.type === 'part-recovered');
    expect(application.concerns).to.deep.equal([]);
  });

  it('tells that its table is gone', async () => {
    const application = new Application();
    start(application);
    await at.database.query('ALTER TABLE leveret_outbox RENAME TO lost');
    try {
      await eventually('it is told', () => application.concerns.length > 0);
      expect(application.concerns.join()).to.match(/the outbox cannot be read: .*leveret_outbox/);
    } finally {
      await at.database.query('ALTER TABLE lost RENAME TO leveret_outbox');
    }
    await eventually('it is well again', () => application.concerns.length === 0);
  });
});

import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { publishOne } from '../live/publish-one.js';
import { exportLine } from '../parked/export-line.js';
import { parkedMessages } from '../parked/parked-message.js';
import { ABroker } from '../test-support/a-broker.js';
import { aMessage } from '../test-support/a-message.js';
import { HandClock } from '../test-support/hand-clock.js';
import { discard } from './discard.js';
import { edit } from './edit.js';
import { importErrors } from './import-errors.js';

const NACK = { kind: 'nack', returned: undefined } as const;
const ACK = { kind: 'ack', returned: undefined } as const;

describe('acts on a queue of errors', () => {
  let clock: HandClock;
  let broker: ABroker;
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock);
    const headers = { 'x-leveret-queue': 'orders', 'x-leveret-fingerprint': 'f' };
    broker.ready = ['m1', 'm2', 'm3'].map((messageId) => aMessage({ messageId, headers }));
    broker.others.add('orders');
  });
  const failure = async (work: Promise<unknown>) =>
    (await clock.through(
      work.then(
        () => expect.fail('it was done'),
        (error: unknown) => error,
      ),
    )) as Error & { code: string };
  const opened = () => broker.log.filter((line) => line === 'close writer').length;

  describe('edit', () => {
    const change = { body: Buffer.from('new') };
    const editing = (id: string, more = {}) => edit(broker.session, { queues: ['q'], id, change, ...more });

    it('sends the changed message, and takes the original away once that is confirmed', async () => {
      const report = await clock.through(editing('m2'));
      expect(report).to.deep.include({ sent: true, target: { exchange: '', routingKey: 'orders' } });
      expect(broker.ids).to.deep.equal(['m1', 'm3']);
      const [sent] = broker.published;
      expect(sent?.body.toString()).to.equal('new');
      expect(sent?.properties.messageId).to.equal(report.messageId);
      expect(sent?.headers).to.include({ 'x-leveret-edit-of': 'm2', 'x-leveret-retry-of': report.message.key });
      expect(opened()).to.equal(1);
    });

    it('leaves the original where the changed one is not confirmed', async () => {
      broker.confirm = () => NACK;
      expect(await failure(editing('m2'))).to.include({ code: 'LEV_PUBLISH_NACKED' });
      expect([broker.ids, opened()]).to.deep.equal([['m1', 'm2', 'm3'], 1]);
    });

    it('says what it would do, and does nothing', async () => {
      const report = await clock.through(editing('m2', { dryRun: true }));
      expect(report).to.include({ sent: false });
      expect([broker.ids, broker.published, opened()]).to.deep.equal([['m1', 'm2', 'm3'], [], 0]);
    });

    it('refuses what names no message, or several, or leads nowhere', async () => {
      expect(await failure(editing('m9'))).to.include({ code: 'LEV_NOTHING_FOUND' });
      expect((await failure(editing('f'))).message).to.contain('names 3 messages; give the key of one');
      broker.others.clear();
      expect((await failure(editing('m2'))).message).to.contain(
        'queue "orders", where messages go back to, is not there',
      );
      expect(broker.ids).to.deep.equal(['m1', 'm2', 'm3']);
    });
  });

  describe('discard', () => {
    const discarding = (more = {}) => discard(broker.session, { queues: ['q'], selection: ['m1', 'm3'], ...more });

    it('throws them away at once, and can not have them back', async () => {
      const report = await clock.through(discarding());
      expect(report).to.include({ discarded: 2, undo: undefined });
      expect([broker.ids, broker.published, opened()]).to.deep.equal([['m2'], [], 0]);
      expect(broker.log.filter((line) => line.startsWith('declare'))).to.deep.equal([]);
    });

    it('keeps them for so long in a queue that outlives them by a minute', async () => {
      clock.ms = 5_000;
      const { undo, discarded, messages } = await clock.through(discarding({ undoForMs: 1_000 }));
      expect([discarded, messages.length]).to.deep.equal([2, 2]);
      expect(broker.log.find((line) => line.startsWith('declare'))).to.match(
        new RegExp(`^declare leveret.discarded.${undo} .*"x-message-ttl":1000,"x-expires":61000,`),
      );
      expect(broker.published.map(({ routingKey, properties }) => [routingKey, properties.messageId])).to.deep.equal([
        [`leveret.discarded.${undo}`, 'm1'],
        [`leveret.discarded.${undo}`, 'm3'],
      ]);
      expect([broker.ids, opened()]).to.deep.equal([['m2'], 1]);
    });

    it('keeps in the queue what could not be kept elsewhere', async () => {
      broker.confirm = ({ properties }) => (properties.messageId === 'm1' ? NACK : ACK);
      expect(await failure(discarding({ undoForMs: 1_000 }))).to.include({ code: 'LEV_PUBLISH_NACKED' });
      expect(broker.ids).to.include('m1').and.to.include('m2');
      expect(opened()).to.equal(1);
    });

    it('does nothing for a dry run, and refuses what names nothing', async () => {
      const dry = await clock.through(discarding({ dryRun: true, undoForMs: 1_000 }));
      expect([dry.messages.length, dry.discarded, dry.undo]).to.deep.equal([2, 0, undefined]);
      expect(await failure(discarding({ selection: ['m9'] }))).to.include({ code: 'LEV_NOTHING_FOUND' });
      expect([broker.ids, broker.published]).to.deep.equal([['m1', 'm2', 'm3'], []]);
    });
  });

  describe('importErrors', () => {
    const lines = (queue: string, ...ids: string[]) =>
      parkedMessages(
        queue,
        ids.map((messageId) => aMessage({ messageId })),
      ).map(exportLine);
    const importing = (given: readonly string[], options = {}) => importErrors(broker.session, given, options);

    it('parks them in the queue that they came from, or in another', async () => {
      const report = await clock.through(importing([...lines('q', 'n1'), '', '  ', ...lines('q', 'n2')]));
      expect(report).to.deep.equal({ imported: 2, present: 0 });
      expect([broker.ids, opened()]).to.deep.equal([['m1', 'm2', 'm3', 'n1', 'n2'], 1]);
      expect(await clock.through(importing(lines('elsewhere', 'n3'), { to: 'q' }))).to.include({ imported: 1 });
      expect(broker.ids).to.include('n3');
    });

    it('leaves out what is there already', async () => {
      await clock.through(importing(lines('q', 'n1')));
      expect(await clock.through(importing(lines('q', 'n1', 'n2')))).to.deep.equal({ imported: 1, present: 1 });
      expect(await clock.through(importing(lines('q', 'n3'), { dryRun: true }))).to.deep.equal({
        imported: 0,
        present: 0,
      });
    });

    it('says every line that it cannot read, by its number, and every queue that is not there', async () => {
      const error = await failure(importing(['', '{', ...lines('gone', 'n1'), 'nonsense']));
      expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
      expect(error.message).to.contain('line 2: ').and.contain('line 4: ').and.contain('queue "gone" is not there');
      expect(error.message).to.not.contain('line 3: ');
      expect(broker.ids).to.have.lengthOf(3);
    });

    it('closes its channel when a message is refused', async () => {
      broker.confirm = () => NACK;
      expect(await failure(importing(lines('q', 'n1')))).to.include({ code: 'LEV_PUBLISH_NACKED' });
      expect(opened()).to.equal(1);
    });
  });

  it('publishOne sends one that is kept on disk, confirmed, and closes its channel', async () => {
    const message = { exchange: 'ex', routingKey: 'k', body: Buffer.from('x'), properties: { type: 'T' } };
    await clock.through(publishOne(broker.session, message as never));
    expect(broker.published[0]).to.deep.include({ exchange: 'ex', routingKey: 'k', mandatory: true, headers: {} });
    expect(broker.published[0]?.properties).to.include({ type: 'T', deliveryMode: 2 });
    expect(opened()).to.equal(1);
    broker.confirm = () => NACK;
    expect(await failure(publishOne(broker.session, message as never))).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect(opened()).to.equal(2);
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { expectLines, Situation, VERSIONS } from '../testing/situation.support.test.js';

const REPLY_TO = 'amq.rabbitmq.reply-to';

describe('when replies come directly', () => {
  for (const version of VERSIONS) {
    it(`reach the requester, and a mandatory reply is returned as in ${version}`, async () => {
      await using situation = await Situation.start({ version });
      const requester = await situation.client();
      const server = await situation.client();
      server.send(1, 'queue.declare', { queue: 'rpc' });
      server.send(1, 'confirm.select');
      await server.settle();
      requester.send(1, 'basic.consume', { queue: REPLY_TO, consumerTag: 'r', noAck: true });
      requester.publish(1, '', 'rpc', 'ask', { reply_to: REPLY_TO, correlation_id: 'c1', app_id: 'a' });
      await expectLines(requester, ['1 basic.consume-ok r']);
      server.send(1, 'basic.get', { queue: 'rpc', noAck: true });
      const { properties } = await server.next('basic.get-ok');
      const replyTo = String(properties?.reply_to);
      expect(replyTo.startsWith(`${REPLY_TO}.`)).to.equal(true);
      expect([properties?.correlation_id, properties?.app_id]).to.deep.equal(['c1', 'a']);

      server.send(1, 'queue.declare', { queue: replyTo, passive: true });
      server.publish(1, '', replyTo, 'answer', { correlation_id: 'c1' }, { mandatory: true });
      const returned = `1 basic.return 312 NO_ROUTE exchange= key=${replyTo} correlation_id=c1 body=answer`;
      await expectLines(server, [
        `1 queue.declare-ok ${replyTo} messages=0 consumers=1`,
        ...(version === '4.3' ? [] : [returned]),
        '1 basic.ack #1',
      ]);
      await expectLines(requester, [`1 basic.deliver r #1 exchange= key=${replyTo} correlation_id=c1 body=answer`]);

      requester.send(1, 'basic.cancel', { consumerTag: 'r' });
      await requester.settle();
      server.send(1, 'queue.declare', { queue: replyTo, passive: true });
      await expectLines(server, [`1 channel.close 404 NOT_FOUND - no queue '${replyTo}' in vhost '/' (50,10)`]);
    });
  }

  for (const [consumes, text] of [
    [[{ noAck: false }], 'reply consumer cannot acknowledge'],
    [[{ noAck: true }, { noAck: true }], 'reply consumer already set'],
  ] as const) {
    it(`need a consumer of their own: ${text}`, async () => {
      await using situation = await Situation.start();
      const client = await situation.client();
      for (const consume of consumes) client.send(1, 'basic.consume', { queue: REPLY_TO, ...consume });
      const lines = await client.lines();
      expect(lines.at(-1)).to.equal(`1 channel.close 406 PRECONDITION_FAILED - ${text} (60,20)`);
    });
  }
});

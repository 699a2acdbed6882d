import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { LeveretError } from '../errors/leveret-error.js';
import { MessageConversionError } from '../errors/message-error.js';
import { RequeueMessage } from '../errors/outcome-signal.js';
import { ACK, fails, finish, GIVE_BACK, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';
import { type ListenerParts } from './listener-harness.support.test.js';

describe('the journey of a request', () => {
  describe('when a reply is wanted', () => {
    const request = { replyTo: 'amq.rabbitmq.reply-to.g1', correlationId: 'c-1' };
    const answers = { handle: async () => ({ total: 7 }) };

    it('sends the reply, and acknowledges only when the broker has it', async () => {
      const journey = new Journey(answers, request);
      let confirm: () => void = () => {};
      journey.publisher.answer = () =>
        new Promise<void>((resolve) => {
          confirm = resolve;
        });
      start(journey.next());
      await turn();
      expect(journey.publisher.sent).to.have.lengthOf(1);
      expect(journey.publisher.sent[0]?.body.toString()).to.equal('{"total":7}');
      expect(journey.frames).to.deep.equal([]);
      confirm();
      await turn();
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.types).to.deep.equal(['received', 'replied', 'handled']);
      expect(journey.event('replied')).to.include({ exchange: '', routingKey: request.replyTo });
    });

    it('drops a reply to names that cannot be written, and acknowledges', async () => {
      const definition = { replies: { allows: () => true } };
      for (const replyTo of ['\uFFFD'.repeat(100), `${'\uFFFD'.repeat(100)}/key`]) {
        const { frames, publisher, event } = await travel({ ...answers, definition }, { replyTo });
        expect(publisher.sent).to.deep.equal([]);
        expect(frames).to.deep.equal([ACK]);
        expect(event('reply-dropped').error).to.have.property('code', 'LEV_PUBLISH_UNROUTABLE');
      }
    });

    it('leaves out a correlation id that cannot be written', async () => {
      const { publisher } = await travel(answers, { ...request, correlationId: '\uFFFD'.repeat(100) });
      expect(publisher.sent[0]?.properties.correlationId).to.equal(undefined);
    });

    it('sends nothing when nobody asked, or the handler returned nothing', async () => {
      const unasked = await travel(answers);
      const nothing = await travel({ handle: () => undefined }, request);
      expect([unasked.publisher.sent, nothing.publisher.sent]).to.deep.equal([[], []]);
      expect([unasked.frames, nothing.frames]).to.deep.equal([[ACK], [ACK]]);
    });

    it('sends nothing where a request must not choose, and acknowledges: the work is done', async () => {
      for (const replyTo of ['amq.topic/x', 'internal/', 'pay.direct/pay.success']) {
        const { frames, publisher, event, counted } = await travel({ ...answers, retry: {} }, { replyTo });
        expect(publisher.sent).to.deep.equal([]);
        expect(frames).to.deep.equal([ACK]);
        expect(event('reply-dropped').error).to.have.property('code', 'LEV_REPLY_NOT_ALLOWED');
        expect(counted).to.deep.equal({ received: 1, repliesDropped: 1, handled: 1 });
      }
    });

    it('drops a reply that cannot be written, and acknowledges', async () => {
      const reply = { sendTo: undefined, encode: fails(new TypeError('circular')) };
      const { frames, counted } = await travel({ ...answers, retry: {}, route: { reply } }, request);
      expect(frames).to.deep.equal([ACK]);
      expect(counted).to.deep.equal({ received: 1, repliesDropped: 1, handled: 1 });
    });

    it('acknowledges although the reply is refused: doing the work again would not bring the requester back', async () => {
      for (const code of [
        'LEV_PUBLISH_UNROUTABLE',
        'LEV_PUBLISH_EXCHANGE_MISSING',
        'LEV_PUBLISH_REFUSED',
        'LEV_PUBLISH_NACKED',
        'LEV_PUBLISH_UNENCODABLE',
        'LEV_PUBLISH_CONFIRM_TIMEOUT',
      ] as const) {
        const journey = new Journey(answers, request);
        journey.publisher.answer = fails(new LeveretError(code, 'gone'));
        await finish(journey, journey.next());
        expect(journey.frames).to.deep.equal([ACK]);
        expect(journey.counted).to.deep.equal({ received: 1, repliesDropped: 1, handled: 1 });
      }
    });

    it('takes any other failure to send it for a failure of the attempt [spring 26]', async () => {
      const journey = new Journey({ ...answers, retry: { maxAttempts: 2 } }, request);
      journey.publisher.answer = fails(new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'no connection'));
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([REJECT]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 2, retried: 1, recovered: 1, rejected: 1 });
    });

    describe('with returnExceptions', () => {
      const returning = { definition: { returnExceptions: true }, retry: {} };

      it('sends the error to the requester instead of trying again, then acknowledges', async () => {
        const { publisher, frames, counted } = await travel({ ...returning, handle: fails() }, request);
        expect(publisher.sent).to.have.lengthOf(1);
        expect(publisher.sent[0]).to.include({ routingKey: request.replyTo });
        expect(JSON.parse(publisher.sent[0]?.body.toString() ?? '')).to.have.nested.property(
          'exception.message',
          'broken',
        );
        expect(frames).to.deep.equal([ACK]);
        expect(counted).to.deep.equal({ received: 1, failed: 1, replied: 1, acknowledged: 1 });
      });

      it('is done with the message then: nothing is remembered of what failed before', async () => {
        const parts = { ...returning, retry: { stateless: false }, handle: fails() };
        const journey = new Journey(parts, { ...request, messageId: 'm-1', redelivered: true });
        journey.attempts.record('m-1', new Error('before'), journey.clock.now());
        await finish(journey, journey.next());
        expect([journey.frames, journey.attempts.size]).to.deep.equal([[ACK], 0]);
      });

      it('sends it for a message at fault too', async () => {
        const convert = fails(new MessageConversionError('not JSON'));
        const { publisher, frames, counted } = await travel({ ...returning, route: { convert } }, request);
        expect(publisher.sent).to.have.lengthOf(1);
        expect([frames, counted]).to.deep.equal([[ACK], { received: 1, invalid: 1, replied: 1, acknowledged: 1 }]);
      });

      it('retries and recovers as ever when nobody asked for a reply', async () => {
        const { publisher, frames, counted } = await travel({ ...returning, handle: fails() });
        expect(publisher.sent).to.deep.equal([]);
        expect(frames).to.deep.equal([REJECT]);
        expect(counted).to.deep.equal({ received: 1, failed: 3, retried: 2, recovered: 1, rejected: 1 });
      });

      it('retries and recovers as ever when the requester is gone', async () => {
        const journey = new Journey({ ...returning, handle: fails() }, request);
        journey.publisher.answer = fails(new LeveretError('LEV_PUBLISH_UNROUTABLE', 'gone'));
        await finish(journey, journey.next());
        expect(journey.frames).to.deep.equal([REJECT]);
        expect(journey.counted).to.include({ failed: 3, repliesDropped: 3, recovered: 1 });
      });

      it('retries and recovers as ever when the reply may not go where it is wanted, or cannot be written', async () => {
        for (const replyTo of ['pay.direct/pay.success', '\uFFFD'.repeat(100)]) {
          const { publisher, frames, counted } = await travel({ ...returning, handle: fails() }, { replyTo });
          expect(publisher.sent).to.deep.equal([]);
          expect(frames).to.deep.equal([REJECT]);
          expect(counted).to.include({ failed: 3, retried: 2, repliesDropped: 3, recovered: 1 });
          expect(counted).not.to.have.property('replied');
        }
      });

      it('does what the handler asks for by a signal, without a reply', async () => {
        const { publisher, frames } = await travel({ ...returning, handle: fails(new RequeueMessage()) }, request);
        expect(publisher.sent).to.deep.equal([]);
        expect(frames).to.deep.equal([REQUEUE]);
      });

      it('says nothing of a failure that only the shutdown or a lost channel caused', async () => {
        for (const why of ['deadline', 'channel-gone'] as const) {
          const journey: Journey = new Journey(
            {
              ...returning,
              handle: () => {
                if (why === 'channel-gone') journey.channel.close();
                process.interrupt(why);
                throw new Error('aborted');
              },
            },
            request,
          );
          const process = journey.next();
          await finish(journey, process);
          expect(journey.publisher.sent).to.deep.equal([]);
          expect(journey.frames).to.deep.equal(why === 'deadline' ? [GIVE_BACK] : []);
        }
      });

      it('leaves settling to the handler in manual mode', async () => {
        const manual = {
          ...returning,
          retry: undefined,
          policy: { acknowledge: 'manual' },
        } as unknown as ListenerParts;
        const { publisher, frames, counted } = await travel({ ...manual, handle: fails() }, request);
        expect(publisher.sent).to.have.lengthOf(1);
        expect(frames).to.deep.equal([]);
        expect(counted).to.deep.equal({ received: 1, failed: 1, replied: 1, leftUnsettled: 1 });
      });

      it('retries and recovers as ever when the error cannot be sent, and says why', async () => {
        const fault = new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'no connection');
        const journey = new Journey({ ...returning, handle: fails() }, request);
        journey.publisher.answer = fails(fault);
        await finish(journey, journey.next());
        expect(journey.frames).to.deep.equal([REJECT]);
        expect(journey.event('reply-dropped').error).to.equal(fault);
        expect(journey.counted).to.deep.equal({
          received: 1,
          failed: 3,
          retried: 2,
          repliesDropped: 3,
          recovered: 1,
          rejected: 1,
        });
      });
    });
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { FatalMessageError, MessageConversionError, MessageValidationError } from '../errors/message-error.js';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import type { DeliveryEvent } from '../events/delivery-event.js';
import type { ListenerEvent } from '../events/listener-event.js';
import { composeInterceptors } from '../interceptor/compose-interceptors.js';
import type { FailedDelivery } from '../recoverer/recoverer.js';
import { aDelivery } from '../transport/delivery.support.test.js';
import { DeliveryReporter } from './delivery-reporter.js';
import { ACK, fails, finish, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';
import { aQueueDeclaration, ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

describe('the journey of a delivery', () => {
  describe('when the handler returns', () => {
    it('acknowledges, after a plain value and after a promise alike', async () => {
      for (const handle of [() => 'value', async () => 'value', () => Promise.resolve(), () => null]) {
        const { frames, types, counted } = await travel({ handle });
        expect(frames).to.deep.equal([ACK]);
        expect(types).to.deep.equal(['received', 'handled']);
        expect(counted).to.deep.equal({ received: 1, handled: 1 });
      }
    });

    it('acknowledges no sooner than the promise has resolved', async () => {
      let finished: () => void = () => {};
      const journey = new Journey({
        handle: () =>
          new Promise<void>((resolve) => {
            finished = resolve;
          }),
      });
      const state = start(journey.next());
      await journey.clock.advance(5000);
      expect(journey.frames).to.deep.equal([]);
      finished();
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.event('handled')).to.include({ durationMs: 5000, attempts: 1 });
    });

    it('gives the handler the payload and the facts of the delivery', async () => {
      let seen: DeliveryContext | undefined;
      const headers = { 'x-delivery-count': 2, 'x-death': [{ queue: 'orders', count: 4 }] };
      const handle = (context: DeliveryContext) => {
        seen = context;
      };
      await travel({ handle }, { text: 'hello', headers, redelivered: true });
      expect(seen).to.deep.include({
        payload: 'hello',
        listenerId: 'Orders.onPaid',
        queue: 'orders',
        attempt: 1,
        brokerDeliveryCount: 2,
        deathCount: 4,
        redelivered: true,
        deliveryTag: 1,
        consumerTag: 'test-1',
        receivedAt: 1_700_000_000_000,
      });
      expect(seen?.message.headers).to.equal(headers);
      expect(seen?.signal.aborted).to.equal(false);
      await travel({ handle }, { text: 'hello', headers });
      expect(seen?.brokerDeliveryCount, 'of a first delivery it is the sender who says so').to.equal(0);
    });

    it('sends nothing when its channel has gone meanwhile', async () => {
      const journey = new Journey({ handle: () => journey.channel.close() });
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 1, channelGone: 1 });
    });

    it('makes no events when nobody listens', async () => {
      const handled = new ListenerHarness();
      let made = 0;
      const idle = { idle: true, emit: () => made++ };
      const reporter = new DeliveryReporter('id', handled.counts, idle, handled.logger, handled.clock);
      await new DeliveryProcess(aDelivery(), { ...handled.env, reporter }).run();
      expect([made, handled.counts.handled]).to.deep.equal([0, 1]);
    });
  });

  describe('when the message is at fault', () => {
    const faults: readonly [string, ListenerParts][] = [
      ['the body is unreadable', { route: { convert: fails(new MessageConversionError('not JSON')) } }],
      [
        'the payload breaks rules',
        { route: { convert: () => Promise.reject(new MessageValidationError('1 rule', [])) } },
      ],
      [
        'a header is missing',
        { route: { convert: fails(new FatalMessageError('LEV_HEADER_MISSING', 'x-tenant is missing')) } },
      ],
      ['reading it throws anything else', { route: { convert: fails(new RangeError('too deep')) } }],
      [
        'nobody handles its type',
        { definition: { handler: { route: fails(new FatalMessageError('LEV_NO_HANDLER', 'no')) } } },
      ],
    ];
    for (const [name, parts] of faults) {
      it(`rejects it at once, without a retry, when ${name} [spring 5, 7, 16]`, async () => {
        for (const retry of [undefined, {}, { stateless: false }]) {
          const given = retry === undefined ? parts : { ...parts, retry };
          const { frames, counted, types } = await travel(given, { messageId: 'm-1' });
          expect(frames).to.deep.equal([REJECT]);
          expect(counted).to.deep.equal({ received: 1, invalid: 1, rejected: 1 });
          expect(types).to.deep.equal(['received', 'invalid', 'rejected']);
        }
      });

      it(`hands it to the recoverer at once with invalid: 'recover', when ${name}`, async () => {
        const failures: FailedDelivery[] = [];
        const recover = (failure: FailedDelivery) => void failures.push(failure);
        const { frames, counted } = await travel({ ...parts, recover, retry: {}, policy: { invalid: 'recover' } });
        expect(frames).to.deep.equal([ACK]);
        expect(counted).to.deep.equal({ received: 1, invalid: 1, recovered: 1 });
        expect(failures).to.have.lengthOf(1);
        expect(failures[0]).to.include({ reason: 'invalid', attempts: 0 });
      });
    }

    it('goes by where an error was thrown: what an attempt throws is never the fault of its message', async () => {
      const errors = [
        new MessageConversionError('not JSON'),
        new MessageValidationError('1 rule', []),
        new FatalMessageError('LEV_HEADER_MISSING', 'x-tenant is missing'),
        new FatalMessageError('LEV_IDEMPOTENCY_KEY_MISSING', 'no key'),
        new FatalMessageError('LEV_NO_HANDLER', 'no'),
      ];
      for (const error of errors) {
        const ways: readonly ListenerParts[] = [
          { handle: fails(error) },
          { handle: () => Promise.reject(error) },
          { route: { invoke: composeInterceptors([fails(error)], () => expect.fail('called')) } },
        ];
        for (const way of ways) {
          const { frames, counted } = await travel({ ...way, retry: { maxAttempts: 2 } });
          expect(frames).to.deep.equal([REJECT]);
          expect(counted).to.deep.equal({ received: 1, failed: 2, retried: 1, recovered: 1, rejected: 1 });
          expect((await travel(way)).frames).to.deep.equal([REQUEUE]);
        }
      }
    });

    it('tries again when a rule that had to wait fails for another reason', async () => {
      const answers = [new Error('database down'), undefined];
      const convert = async () => {
        const error = answers.shift();
        if (error !== undefined) throw error;
        return 'payload';
      };
      const { frames, counted } = await travel({ retry: {}, route: { convert } });
      expect(frames).to.deep.equal([ACK]);
      expect(counted).to.deep.equal({ received: 1, failed: 1, retried: 1, handled: 1 });
    });

    for (const [what, timeoutMs, limitMs] of [
      ['within the timeout', 500, 500],
      ['within 30 s where there is no timeout', undefined, 30_000],
    ] as const) {
      it(`waits for an asynchronous rule ${what}; what never answers is a failed attempt`, async () => {
        let asked = 0;
        const convert = () => (++asked === 1 ? new Promise(() => {}) : Promise.resolve('payload'));
        const journey = new Journey({ retry: {}, definition: { timeoutMs }, route: { convert } });
        const state = start(journey.next());
        await journey.clock.advance(limitMs - 1);
        expect(journey.counted).to.deep.equal({ received: 1 });
        await journey.clock.advance(1);
        expect(journey.event('failed')?.['error']).to.include({ code: 'LEV_VALIDATION_TIMEOUT' });
        await journey.clock.advance(60_000);
        expect(state.ended).to.equal(true);
        expect(journey.frames).to.deep.equal([ACK]);
        expect(journey.counted).to.deep.equal({ received: 1, failed: 1, retried: 1, handled: 1 });
      });
    }

    it('rejects it in manual mode too: the handler never had the chance [spring 8]', async () => {
      const convert = fails(new MessageConversionError('not JSON'));
      const { frames } = await travel({ route: { convert }, policy: { acknowledge: 'manual' } });
      expect(frames).to.deep.equal([REJECT]);
    });

    it('says that it is gone when the declared queue has no dead letter exchange [spring 19]', async () => {
      const convert = fails(new MessageConversionError('not JSON'));
      const reject = (args: Record<string, unknown>, declare: 'always' | 'if-missing' = 'always') =>
        travel({
          route: { convert },
          definition: { queueDeclaration: aQueueDeclaration({ declare, arguments: args }) },
        });
      const dropped = await reject({});
      expect(dropped.frames).to.deep.equal([REJECT]);
      expect(dropped.counted).to.deep.equal({ received: 1, invalid: 1, dropped: 1 });
      expect(dropped.logger.said).to.include('error: message dropped: the broker keeps no copy');
      expect((await reject({ 'x-dead-letter-exchange': '' })).counted).to.include({ rejected: 1 });
      expect((await reject({}, 'if-missing')).counted).to.include({ rejected: 1 });
    });
  });

  describe('when the handler throws and there is no retry', () => {
    it('requeues, for a throw and for a promise that rejects [spring 1, 20]', async () => {
      for (const handle of [fails(), () => Promise.reject(new Error('broken'))]) {
        const { frames, counted, types } = await travel({ handle });
        expect(frames).to.deep.equal([REQUEUE]);
        expect(counted).to.deep.equal({ received: 1, failed: 1, requeued: 1 });
        expect(types).to.deep.equal(['received', 'failed', 'requeued']);
      }
    });

    it('rejects with defaultRequeueRejected: false [spring 3, 21]', async () => {
      const { frames, event } = await travel({ handle: fails(), policy: { defaultRequeueRejected: false } });
      expect(frames).to.deep.equal([REJECT]);
      expect(event('rejected')).to.include({ reason: 'default' });
    });

    it('logs the error with the listener, the queue and the message', async () => {
      const error = new Error('broken');
      const { logger } = await travel({ handle: fails(error) }, { messageId: 'm-1' });
      const line = logger.lines.find(({ text }) => text === 'handler failed');
      expect(line?.level).to.equal('warn');
      expect(line?.fields).to.deep.equal({
        listener: 'Orders.onPaid',
        queue: 'orders',
        messageId: 'm-1',
        deliveryTag: 1,
        attempt: 1,
        err: error,
      });
    });
  });

  describe('when the handler asks for an outcome by throwing', () => {
    const signals: readonly [() => Error, string][] = [
      [() => new RejectMessage(), REJECT],
      [() => new RequeueMessage(), REQUEUE],
      [() => new AcknowledgeMessage(), ACK],
    ];
    for (const [signal, frame] of signals) {
      it(`sends ${frame} for ${signal().name} at once, in auto and manual mode [spring 2, 12, 21, 22]`, async () => {
        let calls = 0;
        const handle = () => {
          calls++;
          throw new Error('outer', { cause: new Error('middle', { cause: signal() }) });
        };
        const variants: ListenerParts[] = [
          {},
          { policy: { defaultRequeueRejected: false } },
          { retry: {} },
          { retry: { stateless: false } },
          { policy: { acknowledge: 'manual' } },
        ];
        for (const variant of variants) {
          calls = 0;
          const { frames } = await travel({ ...variant, handle }, { messageId: 'm-1' });
          expect([frames, calls]).to.deep.equal([[frame], 1]);
        }
      });
    }
  });

  it('settles although the log cannot be written', async () => {
    const journey = new Journey({ retry: {}, handle: fails() });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      journey.logger[level] = fails(new Error('log destination closed'));
    }
    await finish(journey, journey.next());
    expect(journey.frames).to.deep.equal([REJECT]);
  });

  it('sends one frame at most and says once how it ended, whatever the handler, the recoverer and the policy do', async () => {
    const outcomes = fc.constantFrom<() => unknown>(
      () => undefined,
      () => Promise.resolve('value'),
      fails(),
      fails('text'),
      fails(undefined),
      fails(Object.create(null)),
      fails(new RejectMessage()),
      fails(new RequeueMessage()),
      fails(new AcknowledgeMessage()),
      fails(new MessageConversionError('not JSON')),
      () => Promise.reject(new Error('later')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcomes, { minLength: 1, maxLength: 4 }),
        outcomes,
        fc.option(fc.record({ maxAttempts: fc.integer({ min: 1, max: 3 }), stateless: fc.boolean() }), {
          nil: undefined,
        }),
        fc.constantFrom('reject', 'recover'),
        fc.constantFrom('auto', 'manual', 'none'),
        fc.boolean(),
        fc.option(fc.constantFrom('', 'm-1'), { nil: undefined }),
        async (handlers, recoverer, retry, invalid, acknowledge, defaultRequeueRejected, messageId) => {
          let n = 0;
          const parts: ListenerParts = {
            handle: () => handlers[n++ % handlers.length]?.(),
            recover: recoverer as NonNullable<ListenerParts['recover']>,
            policy: { invalid, acknowledge, defaultRequeueRejected },
            ...(retry === undefined ? {} : { retry }),
          };
          const { frames, happened } = await travel(parts, { messageId });
          if (acknowledge === 'auto') expect(frames).to.have.lengthOf(1);
          else expect(frames.length).to.be.at.most(acknowledge === 'none' ? 0 : 1);
          expect(happened.filter(isEnd)).to.have.lengthOf(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});

const ENDS = ['handled', 'acknowledged', 'requeued', 'rejected', 'dropped', 'left-unsettled'];

/** What a recoverer does not ack is settled with an event of its own. */
function isEnd(event: DeliveryEvent | ListenerEvent): boolean {
  return event.type === 'recovered' ? event.outcome === 'ack' : ENDS.includes(event.type);
}

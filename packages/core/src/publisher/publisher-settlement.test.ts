import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type FakeChannel, setUp, turn, type Watched, watch } from './fake-publish-transport.support.test.js';
import { PublishError, type PublishFate } from './publish-error.js';

/** What a message is for, so that the broker of the test knows how to answer it. */
type Kind = 'good' | 'unroutable' | 'missing' | 'poison';

type Step =
  | { readonly do: 'publish'; readonly kind: Kind }
  | { readonly do: 'ack' | 'nack'; readonly pick: number; readonly multiple: boolean }
  | { readonly do: 'lose' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'down' | 'up' | 'block' | 'unblock' | 'drain' | 'full' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      kind: fc.constantFrom<Kind>('good', 'good', 'good', 'unroutable', 'missing', 'poison'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('ack' as const, 'ack' as const, 'nack' as const),
      pick: fc.nat(20),
      multiple: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(12_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('down', 'up', 'block', 'unblock', 'drain', 'full').map((name) => name as 'up'),
    }),
  },
);

/** What the broker knows of a message: the truth that the publisher's answer is held against. */
interface Truth {
  readonly kind: Kind;
  /** Times it was acked. */
  accepted: number;
  /** Times it was nacked, or ended a channel. */
  refused: number;
  /** Times it was read and not answered: the queues have it, or will. */
  unanswered: number;
  readonly result: Watched<unknown>;
}

describe('whatever the order of confirms, nacks, returns, channel errors and losses', () => {
  it('each promise settles exactly once, and tells what the broker knows', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (steps, window, retry) => {
          const world = new World(window, retry);
          for (const each of steps) await world.apply(each);
          await world.finish();
          world.check();
        },
      ),
      { numRuns: 300 },
    );
  });
});

class World {
  readonly #setUp: ReturnType<typeof setUp>;
  readonly #truths = new Map<string, Truth>();
  /** How far the broker has read each channel. */
  readonly #read = new WeakMap<FakeChannel, number>();
  #returnsBeforeConfirms = true;

  constructor(window: number, retry: boolean) {
    this.#setUp = setUp({
      window,
      retry: retry ? { maxAttempts: 3, initialInterval: 100 } : false,
      buffer: { maxMessages: 8 },
    });
    const returned = new Set<string>();
    this.#setUp.publisher.onReturn(({ publication }) => publication && returned.add(idOf(publication)));
    this.#setUp.publisher.onConfirm((answer) => {
      const isUnroutable = this.#truths.get(idOf(answer.publication))?.kind === 'unroutable';
      if (answer.ack && isUnroutable && !returned.has(idOf(answer.publication))) this.#returnsBeforeConfirms = false;
    });
  }

  async apply(each: Step): Promise<void> {
    const { transport, clock } = this.#setUp;
    switch (each.do) {
      case 'publish':
        this.#publish(each.kind);
        break;
      case 'ack':
      case 'nack':
        this.#answer(each.do, each.pick, each.multiple);
        break;
      case 'lose':
        transport.channels.at(-1)?.loseConnection();
        break;
      case 'pass':
        await clock.advance(each.ms);
        break;
      case 'down':
        transport.down = new Error('connect ECONNREFUSED');
        transport.channels.at(-1)?.loseConnection();
        break;
      case 'up':
        transport.down = undefined;
        break;
      case 'block':
        transport.block();
        break;
      case 'unblock':
        transport.unblock();
        break;
      case 'full':
        if (transport.channels.length > 0) transport.channel.hasRoom = false;
        break;
      case 'drain':
        transport.channels.at(-1)?.drain();
        break;
    }
    await turn();
  }

  /** Everything has to settle by itself in the end, with a broker that says nothing more. */
  async finish(): Promise<void> {
    const { publisher, clock } = this.#setUp;
    await clock.advance(300_000);
    const closing = watch(publisher.close({ timeout: 1_000 }));
    await clock.advance(5_000);
    expect(closing.settlements, 'close').to.equal(1);
    expect(clock.waits, 'timers left').to.deep.equal([]);
    expect(publisher.stats).to.include({ held: 0, heldBytes: 0, inFlight: 0 });
  }

  check(): void {
    expect(this.#returnsBeforeConfirms, 'return before confirm').to.equal(true);
    for (const [id, truth] of this.#truths) {
      expect(truth.result.settlements, `settlements of ${id}`).to.equal(1);
      if (truth.result.error === undefined) {
        expect(truth.kind, `${id} resolved`).to.equal('good');
        expect(truth.accepted, `${id} resolved, so the broker has it`).to.be.greaterThan(0);
      } else {
        expect(truth.result.error).to.be.instanceOf(PublishError);
        this.#checkFate(id, truth, (truth.result.error as PublishError).fate);
      }
    }
  }

  #checkFate(id: string, truth: Truth, fate: PublishFate): void {
    if (fate === 'unknown') return;
    expect(truth.accepted + truth.unanswered, `${id} is '${fate}', so the broker does not have it`).to.equal(0);
    if (fate === 'not-sent') expect(truth.refused, `${id} is 'not-sent'`).to.equal(0);
  }

  #publish(kind: Kind): void {
    const id = `${kind}-${this.#truths.size}`;
    const exchange = kind === 'missing' ? 'gone' : 'orders';
    const publishing = this.#setUp.publisher.publish(exchange, kind, id, { messageId: id });
    this.#truths.set(id, { kind, accepted: 0, refused: 0, unanswered: 0, result: watch(publishing) });
  }

  /** The broker reads a channel in order up to a message, and answers it, or all up to it. */
  #answer(how: 'ack' | 'nack', pick: number, multiple: boolean): void {
    const { transport } = this.#setUp;
    const channel = transport.channels.at(-1);
    if (channel === undefined || !channel.isOpen || transport.publishBlocked) return;
    const tags = [...channel.pending.keys()];
    const tag = tags[pick % Math.max(1, tags.length)];
    if (tag === undefined) return;
    if (!this.#readUpTo(channel, tag)) return;
    for (const answered of multiple ? tags.filter((each) => each <= tag) : [tag]) {
      const truth = this.#truthOf(channel, answered);
      if (truth?.kind !== 'good') continue;
      truth.unanswered--;
      if (how === 'ack') truth.accepted++;
      else truth.refused++;
    }
    if (how === 'ack') channel.ack(tag, multiple);
    else channel.nack(tag, multiple);
  }

  #readUpTo(channel: FakeChannel, tag: number): boolean {
    for (let next = (this.#read.get(channel) ?? 0) + 1; next <= tag; next++) {
      this.#read.set(channel, next);
      const truth = this.#truthOf(channel, next);
      if (truth?.kind === 'good') truth.unanswered++;
      if (truth?.kind === 'unroutable') channel.return(next);
      if (truth?.kind !== 'missing' && truth?.kind !== 'poison') continue;
      truth.refused++;
      if (truth.kind === 'missing') channel.fail(404, "NOT_FOUND - no exchange 'gone' in vhost '/'");
      else channel.fail(406, 'PRECONDITION_FAILED - poison');
      return false;
    }
    return true;
  }

  #truthOf(channel: FakeChannel, tag: number): Truth | undefined {
    const publication = channel.sent[tag - 1];
    return publication && this.#truths.get(idOf(publication));
  }
}

function idOf(publication: { readonly properties: { readonly messageId?: string | undefined } }): string {
  return publication.properties.messageId ?? '';
}

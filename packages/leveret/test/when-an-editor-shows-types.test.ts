import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LanguageServer } from './support/language-server.js';

const FOLDER = new URL('../test/', import.meta.url);

describe('when an editor shows types', () => {
  it('shows texts that a person can read', async function () {
    this.timeout(60_000);
    const server = new LanguageServer();
    try {
      await server.start(FOLDER);
      const shown = await server.hovers(new URL('types/hovered.ts', FOLDER));
      expect(shown).to.deep.equal([
        'Listener<typeof Paid, never>(queueOrOptions: string | ListenerOptions<typeof Paid, never>): ClassOrMethodDecorator<typeof Paid, never>',
        'Idempotent<Paid>(keyOrOptions?: false | IdempotencyKey<Paid> | IdempotentOptions<Paid>): KeyedDecorator<Paid>',
        'Payload<readonly [typeof Paid]>(type?: readonly [typeof Paid] | undefined): ParameterTakingPayload<readonly [typeof Paid]>',
        'Header<{ required: false; }>(name: string, options?: { required: false; } | undefined): ParameterTakingHeader<undefined>',
        'Handler<typeof Paid, never>(type?: typeof Paid | undefined, options?: HandlerOptions<never> | undefined): MethodOnlyDecorator<typeof Paid, never>',
        'Scheduled(times: ScheduleTimes, options?: ScheduleOptions): ScheduleDecorator',
        'const orders: Channel<{ orderId: number; at: string; }>',
        'const queue: QueueBuilder<"quorum">',
        'Publisher.publish<Paid>(channel: Channel<Paid>, payload: NoInfer<Paid>, options?: PublishOptions): Promise<PublishReceipt>',
        'Publisher.publish<Paid>(exchange: string, routingKey: string, payload: Paid, options?: PublishOptions): Promise<PublishReceipt>',
        'const reply: Paid[]',
        'const shipped: { orderId: number; at: Date; }',
        'const results: PublishResult[]',
      ]);
    } finally {
      server.close();
    }
  });
});

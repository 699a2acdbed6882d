import { type HarnessOptions, TestHarness } from '@leveret/testing';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { silentLogger } from 'leveret';
import { APPLICATION_MAKER, type ApplicationMaker } from '../connection/application-maker.js';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';

/** What a test says of its harnesses: the broker, expected failures, the time-out. The rest comes of the modules under test. */
export type LeveretTestingOptions = Pick<HarnessOptions, 'broker' | 'expectFailures' | 'timeout'>;

/** The harnesses of a Nest application under test: `moduleRef.get(LeveretTesting)`. */
export class LeveretTesting {
  readonly #harnesses = new Map<string, TestHarness>();

  /**
   * The harness of a connection: publish, `settled`, `advance`, look at what happened.
   * @throws {Error} when the modules under test have no connection of that name
   */
  harness(connection: string = DEFAULT_CONNECTION): TestHarness {
    const found = this.#harnesses.get(connection);
    if (found !== undefined) return found;
    const known = [...this.#harnesses.keys()].join(', ') || 'none';
    throw new Error(
      `expected a connection ${JSON.stringify(connection)}, known are: ${known}. Import LeveretModule.forRoot in the module under test`,
    );
  }

  /** What makes harnesses instead of applications. */
  maker(options: LeveretTestingOptions): ApplicationMaker {
    return {
      logger: silentLogger,
      make: async (name, { transport: _transport, clock: _clock, shutdownHooks: _hooks, ...application }) => {
        const harness = await TestHarness.prepare({ ...application, ...options });
        this.#harnesses.set(name, harness);
        // Whoever stops waits by the clock, which stands still: closing is the harness's own.
        return { app: harness.app, start: () => harness.begin(), stop: async () => {}, close: () => harness.close() };
      },
    };
  }
}

/**
 * Makes every `LeveretModule` of a Nest application under test run on a broker inside the process, with virtual time.
 *
 * ```ts
 * const moduleRef = await Test.createTestingModule({ imports: [AppModule, LeveretTestingModule.forRoot()] })
 *   .overrideProvider(OrderService).useValue(orders)
 *   .compile();
 * await moduleRef.init();
 * const harness = moduleRef.get(LeveretTesting).harness();
 * await harness.publish('pay.direct', 'pay.success', { orderId: 7 });
 * await harness.settled();
 * ...
 * await moduleRef.close();
 * ```
 *
 * Where brokers are and who logs in is left out of the options under test; everything else is as it will be.
 */
@Global()
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their classes
export class LeveretTestingModule {
  static forRoot(options: LeveretTestingOptions = {}): DynamicModule {
    return {
      module: LeveretTestingModule,
      providers: [
        LeveretTesting,
        {
          provide: APPLICATION_MAKER,
          inject: [LeveretTesting],
          useFactory: (testing: LeveretTesting) => testing.maker(options),
        },
      ],
      exports: [LeveretTesting, APPLICATION_MAKER],
    };
  }
}

import { LeveretModule } from '@leveret/nestjs';
import { migrate, Outbox, OutboxRelay, TransactionalInbox } from '@leveret/sql';
import { type DynamicModule, Global, Injectable, Module, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { Publisher } from 'leveret';
import { OrderStore } from './database.js';

/** What `@Idempotent({ guard: 'inbox' })` of a listener names. */
export const INBOX = 'inbox';

/** Publishes what the outbox holds, as long as the service runs. */
@Injectable()
export class Relay implements OnApplicationBootstrap {
  readonly #relay: OutboxRelay<unknown>;

  constructor(store: OrderStore, publisher: Publisher) {
    this.#relay = new OutboxRelay(store.database, publisher, { pollInterval: 100 });
  }

  onApplicationBootstrap(): void {
    this.#relay.start();
  }

  wake(): void {
    this.#relay.wake();
  }

  /** Before leveret closes its connections, and before the database closes its own. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#relay.stop();
  }
}

@Global()
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their classes
export class MessagingModule {
  static forDatabase(database: Type<object>): DynamicModule {
    return {
      module: MessagingModule,
      imports: [
        database,
        LeveretModule.forRoot({
          connection: { urls: process.env['AMQP_URL'] ?? 'amqp://localhost' },
          service: 'shop',
          defaults: { retry: { maxAttempts: 3, initialInterval: '1s' } },
          topology: {
            exchanges: [{ name: 'shop.topic', type: 'topic' }],
            // Of the warehouse, which may come later: what is told before waits there.
            queues: ['warehouse.orders'],
            bindings: [{ queue: 'warehouse.orders', exchange: 'shop.topic', routingKey: 'order.placed' }],
          },
        }),
      ],
      providers: [
        {
          provide: Outbox,
          inject: [OrderStore],
          useFactory: async (store: OrderStore) => {
            await store.prepare();
            await migrate(store.database);
            return new Outbox(store.database);
          },
        },
        {
          provide: INBOX,
          inject: [OrderStore],
          useFactory: (store: OrderStore) => new TransactionalInbox(store.database),
        },
        Relay,
      ],
      exports: [Outbox, INBOX, Relay, database],
    };
  }
}

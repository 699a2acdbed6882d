import { randomBytes } from 'node:crypto';
import { IsInt } from 'class-validator';
import { inject, injectable } from 'inversify';
import {
  Context,
  type DeliveryContext,
  Header,
  Listener,
  type ListenerOptions,
  Payload,
  type QueueOptions,
  republish,
} from 'leveret';

/** What tests send. */
export class Order {
  @IsInt() id!: number;
}

/** What the listener stands on, and tests replace. */
@injectable()
export class OrderService {
  async paid(_id: number, _tenant: string | undefined): Promise<string> {
    throw new Error('expected a test to replace this service');
  }
}

/** Names that nothing else has, and a listener class that uses them. */
export interface OrderSample {
  readonly listenerId: string;
  readonly queue: string;
  readonly errorQueue: string;
  readonly Orders: new (service: OrderService) => OrderHandler;
  /** Declares the error queue. */
  readonly topology: { readonly queues: readonly QueueOptions[] };
  /** Replaces the service by a function. */
  readonly overrides: (paid: OrderService['paid']) => readonly (readonly [typeof OrderService, OrderService])[];
}

/** The public side of the listener class. */
export interface OrderHandler {
  onOrder(order: Order, tenant: string | undefined, context: DeliveryContext): Promise<string>;
}

/** What differs from sample to sample. */
export interface SampleOptions extends Omit<ListenerOptions, 'queue'> {
  /** Others use the broker, too: it is to forget the queues soon. */
  readonly isReal?: boolean;
}

/** A listener class of its own for each test, with a queue of its own: tests may share a broker. */
export function orderSample({ isReal = false, ...options }: SampleOptions = {}): OrderSample {
  const forgotten: QueueOptions = isReal ? { expires: '30s' } : {};
  const run = randomBytes(5).toString('hex');
  const queue = `orders.${run}`;
  const errorQueue = `orders.error.${run}`;

  @injectable()
  class Orders implements OrderHandler {
    readonly #service: OrderService;

    constructor(@inject(OrderService) service: OrderService) {
      this.#service = service;
    }

    @Listener({
      id: `Orders.${run}`,
      queue: { name: queue, ...forgotten },
      recoverer: republish('', errorQueue),
      ...options,
    })
    onOrder(
      @Payload() order: Order,
      @Header('x-tenant', { required: false }) tenant: string | undefined,
      @Context() _context: DeliveryContext,
    ): Promise<string> {
      return this.#service.paid(order.id, tenant);
    }
  }

  return {
    listenerId: `Orders.${run}`,
    queue,
    errorQueue,
    Orders,
    topology: { queues: [{ name: errorQueue, ...forgotten }] },
    overrides: (paid) => [[OrderService, { paid }]],
  };
}

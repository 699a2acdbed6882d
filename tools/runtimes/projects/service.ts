import { IsInt } from 'class-validator';
import { Listener, Payload } from 'leveret';

export class Paid {
  @IsInt() orderId!: number;
}

export class PaidListener {
  readonly orders: number[] = [];

  @Listener({ queue: 'orders.paid', bindings: { exchange: 'pay', routingKey: 'paid' }, deadLetter: true })
  async onPaid(@Payload(Paid) paid: Paid): Promise<void> {
    if (!(paid instanceof Paid)) throw new Error('expected an instance of Paid');
    this.orders.push(paid.orderId);
  }
}

/** Needs what compilers leave of types. */
export class ReflectedListener {
  @Listener('orders.reflected')
  onReflected(paid: Paid): void {
    if (!(paid instanceof Paid)) throw new Error('expected an instance of Paid');
  }
}

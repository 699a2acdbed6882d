import { IsInt, IsPositive } from 'class-validator';
import { PublishTo } from 'leveret';

/** The rules are given by calls: class-validator has legacy decorators only, and this file is compiled in every way. */
export class Paid {
  orderId!: number;
}
IsInt()(Paid.prototype, 'orderId');
IsPositive()(Paid.prototype, 'orderId');

export class Refunded {
  orderId!: number;
}
PublishTo('', 'by-type', { type: 'pay.refunded' })(Refunded);

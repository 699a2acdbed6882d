import { IsInt } from 'class-validator';

/** A request: how is this order? The reply is an `OrderStatus`. */
export class OrderQuery {
  @IsInt()
  orderId: number;

  constructor(orderId: number) {
    this.orderId = orderId;
  }
}

import { IsIn, IsInt } from 'class-validator';

/** The reply to an `OrderQuery`. */
export class OrderStatus {
  @IsInt()
  orderId: number;

  @IsIn(['unpaid', 'paid', 'unknown'])
  status: 'unpaid' | 'paid' | 'unknown';

  constructor(orderId: number, status: OrderStatus['status']) {
    this.orderId = orderId;
    this.status = status;
  }
}

import { IsIn, IsInt, IsISO8601, IsPositive } from 'class-validator';

/** What the pay service answers over HTTP when it is asked for an order. */
export class Payment {
  @IsInt()
  orderId: number;

  @IsPositive()
  amount: number;

  @IsIn(['paid', 'refunded'])
  status: 'paid' | 'refunded';

  @IsISO8601()
  paidAt: string;

  constructor(orderId: number, amount: number, status: Payment['status'], paidAt: string) {
    this.orderId = orderId;
    this.amount = amount;
    this.status = status;
    this.paidAt = paidAt;
  }
}

import { IsInt, IsISO8601, Min } from 'class-validator';

/** The pay service says: the user has paid this order. */
export class PaySucceeded {
  @IsInt()
  @Min(1)
  orderId: number;

  @IsISO8601()
  paidAt: string;

  constructor(orderId: number, paidAt: string) {
    this.orderId = orderId;
    this.paidAt = paidAt;
  }
}

import { IsInt, IsPositive, IsString } from 'class-validator';

/** The pay service says: this order was paid back. */
export class PayRefunded {
  @IsInt()
  orderId: number;

  @IsPositive()
  amount: number;

  @IsString()
  reason: string;

  constructor(orderId: number, amount: number, reason: string) {
    this.orderId = orderId;
    this.amount = amount;
    this.reason = reason;
  }
}

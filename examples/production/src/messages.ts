import { IsInt, IsPositive, IsString } from 'class-validator';

/** What the shop says when an order is paid. */
export class OrderPaid {
  @IsInt() @IsPositive() orderId!: number;
  @IsInt() @IsPositive() cents!: number;
}

/** What this service says when the invoice of an order is written. */
export class InvoiceIssued {
  @IsInt() @IsPositive() orderId: number;
  @IsString() number: string;

  constructor(orderId: number, number: string) {
    this.orderId = orderId;
    this.number = number;
  }
}

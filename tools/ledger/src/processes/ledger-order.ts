import { IsIn, IsInt, IsString } from 'class-validator';
import type { Fate, Order } from '../workload/order.js';

/** The body of a message, as a service declares it. */
export class LedgerOrder implements Order {
  @IsInt() n!: number;
  @IsInt() key!: number;
  @IsInt() seq!: number;
  @IsIn(['ok', 'once', 'twice', 'poison', 'slow']) fate!: Fate;
  @IsString() pad!: string;
  @IsInt() sum!: number;
}

import {
  AmqpConnection,
  defaultNackErrorHandler,
  Nack,
  RabbitHeader,
  RabbitPayload,
  RabbitRequest,
  RabbitRPC,
  RabbitSubscribe,
} from '@leveret/nestjs/golevelup';
import {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  Catch,
  ExceptionFilter,
  ExecutionContext,
  Injectable,
  NestInterceptor,
  ParseIntPipe,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { IsInt, IsPositive } from 'class-validator';
import { map, Observable } from 'rxjs';

/** What has happened, for the tests. */
@Injectable()
export class Journal {
  readonly lines: string[] = [];
}

export class Order {
  @IsInt()
  @IsPositive()
  id!: number;
}

@Injectable()
export class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { properties } = context.switchToRpc().getContext<{ properties: { headers: Record<string, unknown> } }>();
    return properties.headers['tenant'] === 'acme';
  }
}

@Injectable()
export class Timing implements NestInterceptor {
  constructor(private readonly journal: Journal) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.journal.lines.push('begin');
    return next.handle().pipe(
      map((value: unknown) => {
        this.journal.lines.push('end');
        return value;
      }),
    );
  }
}

export class OutOfStock extends Error {}

@Catch(OutOfStock)
export class OutOfStockFilter implements ExceptionFilter {
  catch(error: OutOfStock, _host: ArgumentsHost): unknown {
    return { sorry: error.message };
  }
}

let units = 0;

/** One for each message. */
@Injectable({ scope: Scope.REQUEST })
export class Unit {
  readonly number = ++units;
}

@Injectable()
export class OrderHandlers {
  constructor(
    private readonly journal: Journal,
    private readonly amqp: AmqpConnection,
  ) {}

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'order.placed', queue: 'shop.placed' })
  async placed(order: Order): Promise<void> {
    this.journal.lines.push(`placed ${order.id}`);
    await this.amqp.publish('shop', 'order.taken', { id: order.id });
  }

  @RabbitSubscribe({ exchange: 'shop', routingKey: ['order.taken', 'order.kept'], queue: 'shop.taken' })
  taken(order: Order, message: { fields: { routingKey: string } }): void {
    this.journal.lines.push(`${message.fields.routingKey} ${order.id}`);
  }

  @RabbitSubscribe({
    exchange: 'shop',
    routingKey: 'order.valid',
    queue: 'shop.valid',
    errorHandler: defaultNackErrorHandler,
    queueOptions: { deadLetterExchange: '', deadLetterRoutingKey: 'shop.dead' },
  })
  @UsePipes(new ValidationPipe({ transform: true }))
  valid(@RabbitPayload() order: Order): void {
    this.journal.lines.push(`valid ${order.id} ${order instanceof Order}`);
  }

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'order.counted', queue: 'shop.counted' })
  counted(@RabbitPayload('id', ParseIntPipe) id: number, @RabbitHeader('tenant') tenant: string): void {
    this.journal.lines.push(`counted ${typeof id} ${id} ${tenant}`);
  }

  @RabbitSubscribe({
    exchange: 'shop',
    routingKey: 'order.guarded',
    queue: 'shop.guarded',
    errorHandler: defaultNackErrorHandler,
  })
  @UseGuards(TenantGuard)
  guarded(@RabbitPayload() order: Order, @RabbitRequest() message: { fields: { exchange: string } }): void {
    this.journal.lines.push(`guarded ${order.id} ${message.fields.exchange}`);
  }

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'order.timed', queue: 'shop.timed' })
  @UseInterceptors(Timing)
  timed(order: Order): void {
    this.journal.lines.push(`timed ${order.id}`);
  }

  @RabbitSubscribe({
    exchange: 'shop',
    routingKey: 'order.refused',
    queue: 'shop.refused',
    queueOptions: { deadLetterExchange: '', deadLetterRoutingKey: 'shop.dead' },
  })
  refused(): Nack {
    this.journal.lines.push('refused');
    return new Nack();
  }

  @RabbitRPC({ exchange: 'shop', routingKey: 'price.get', queue: 'shop.price' })
  price(@RabbitPayload(new ValidationPipe()) order: Order): { price: number } {
    return { price: order.id * 2 };
  }

  @RabbitRPC({ exchange: 'shop', routingKey: 'stock.get', queue: 'shop.stock' })
  @UseFilters(OutOfStockFilter)
  stock(order: Order): { left: number } {
    if (order.id === 13) throw new OutOfStock('none left');
    return { left: 3 };
  }
}

@Injectable()
export class UnitHandler {
  constructor(
    private readonly journal: Journal,
    private readonly moduleRef: ModuleRef,
  ) {}

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'order.unit', queue: 'shop.unit' })
  async on(order: Order): Promise<void> {
    const unit = await this.moduleRef.resolve(Unit, ContextIdFactory.create(), { strict: false });
    this.journal.lines.push(`unit ${order.id} ${unit.number}`);
  }
}

import { LeveretHealthIndicator, LeveretModule } from '@leveret/nestjs';
import { RabbitSubscribe } from '@leveret/nestjs/golevelup';
import {
  Body,
  CanActivate,
  Controller,
  ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  Scope,
  UseGuards,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { REQUEST } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { IsInt } from 'class-validator';
import { type DeliveryContext, Listener, Payload, Publisher } from 'leveret';

export const journal: string[] = [];

export class Order {
  @IsInt()
  id!: number;
}

@Injectable({ scope: Scope.REQUEST })
export class Unit {
  constructor(@Inject(REQUEST) readonly delivery: DeliveryContext) {}
}

@Injectable()
export class ApiGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    journal.push(`guard ${context.getType()}`);
    return true;
  }
}

@Injectable()
export class OrderListener {
  @Listener({ queue: 'orders', bindings: { exchange: 'shop', routingKey: 'order.placed' }, deadLetter: true })
  @UsePipes(new ValidationPipe({ transform: true }))
  @UseGuards(ApiGuard)
  on(@Payload() order: Order): void {
    journal.push(`order ${order.id} ${order instanceof Order}`);
  }
}

@Injectable()
export class UnitListener {
  constructor(private readonly unit: Unit) {}

  @Listener({ queue: 'units', bindings: { exchange: 'shop', routingKey: 'order.placed' } })
  on(@Payload() order: Order): void {
    journal.push(`unit ${order.id} ${this.unit.delivery.queue}`);
  }
}

@Controller()
export class OrderController {
  constructor(
    private readonly publisher: Publisher,
    private readonly health: HealthCheckService,
    private readonly leveret: LeveretHealthIndicator,
  ) {}

  @Post('orders')
  async place(@Body() order: Order): Promise<{ placed: number }> {
    await this.publisher.publish('shop', 'order.placed', order);
    return { placed: order.id };
  }

  @Get('health')
  @HealthCheck()
  check() {
    return this.health.check([() => this.leveret.isHealthy('rabbitmq')]);
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true }),
    TerminusModule,
    LeveretModule.forRootAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        connection: { urls: config.getOrThrow<string>('AMQP_URL') },
        logger: 'silent' as const,
      }),
    }),
    LeveretModule.forFeature({ exchanges: [{ name: 'shop', type: 'topic' }] }),
  ],
  controllers: [OrderController],
  providers: [OrderListener, UnitListener, Unit, ApiGuard],
})
export class AppModule {}

/** So that the alias is loaded as well. */
export const alias = RabbitSubscribe;

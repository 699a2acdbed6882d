import { RabbitMQModule } from '@golevelup/nestjs-rabbitmq';
import { Module } from '@nestjs/common';
import { Journal, OrderHandlers, OutOfStockFilter, TenantGuard, Timing, Unit, UnitHandler } from './orders';

@Module({
  imports: [
    RabbitMQModule.forRootAsync({
      useFactory: () => ({
        uri: process.env['AMQP_URL'] ?? 'amqp://localhost',
        exchanges: [{ name: 'shop', type: 'topic' }],
        queues: [{ name: 'shop.dead' }],
        prefetchCount: 10,
        defaultRpcTimeout: 3000,
      }),
    }),
  ],
  providers: [Journal, OrderHandlers, OutOfStockFilter, TenantGuard, Timing, Unit, UnitHandler],
})
export class AppModule {}

import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { MessagingModule } from './messaging.module.js';
import { OrderController, OrderService, PaymentListener } from './orders.js';

@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their classes
export class AppModule {
  /** The service on a mapper: `TypeormModule` or `PrismaModule`. */
  static on(database: Type<object>): DynamicModule {
    return {
      module: AppModule,
      imports: [TerminusModule, MessagingModule.forDatabase(database)],
      controllers: [OrderController],
      providers: [OrderService, PaymentListener],
    };
  }
}

import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const database =
  process.env['MAPPER'] === 'prisma'
    ? (await import('./prisma.module.js')).PrismaModule
    : (await import('./typeorm.module.js')).TypeormModule;
const app = await NestFactory.create(AppModule.on(database));
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');

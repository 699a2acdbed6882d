// In the order in which a user meets them: the module, listeners, what runs around them, publishing, watching.
export { LeveretModule } from './module/leveret.module.js';
export type {
  EnhancerKind,
  LeveretConnectionOptions,
  LeveretModuleAsyncOptions,
  LeveretModuleOptions,
  LeveretOptionsFactory,
} from './options/module-options.js';
export { UseConnection } from './discovery/use-connection.js';
export { type Pipe, Pipes } from './execution/parameter-pipes.js';
export { LEVERET_CONTEXT } from './execution/nest-framework.js';
export { LeveretConnection } from './connection/leveret-connection.js';
export {
  type ConnectionToken,
  getConnectionToken,
  getLeveretToken,
  getPublisherToken,
  InjectLeveret,
  InjectPublisher,
} from './connection/tokens.js';
export {
  type LeveretHealthEntry,
  LeveretHealthIndicator,
  type LeveretHealthOptions,
  type LeveretHealthResult,
} from './health/leveret-health-indicator.js';
export { nestLogger, type NestTarget } from './logger/nest-logger.js';
export { nestPacketConverter } from './converter/nest-packet-converter.js';

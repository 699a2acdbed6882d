// Says how instances are written, in the whole process.
import './payload/write-by-rules.js';

// In the order in which a user meets them: declaring, starting, publishing, failing, watching.
export { Context } from './decorators/context.js';
export { Handler, type HandlerOptions } from './decorators/handler.js';
export { Header, type HeaderOptions } from './decorators/header.js';
export type { HeaderDeclarations, HeadersOf, ListenerContext } from './decorators/header-declarations.js';
export { Headers } from './decorators/headers.js';
export { Idempotent, type IdempotencyOptions, type IdempotentOptions } from './decorators/idempotent.js';
export { Listener } from './decorators/listener.js';
export type { ListenerOptions } from './decorators/listener-options.js';
export { Message } from './decorators/message.js';
export { Payload } from './decorators/payload.js';
export type { PublishToOptions } from './decorators/publish-address.js';
export { PublishTo } from './decorators/publish-to.js';
export {
  type RunOnOneInstanceOptions,
  Scheduled,
  type ScheduleOptions,
  type ScheduleTimes,
} from './decorators/scheduled.js';
export { SendTo } from './decorators/send-to.js';
export { Transaction } from './decorators/transaction.js';
export { UseInterceptors } from './decorators/use-interceptors.js';
export { type DeclaredHandler, type HandlerFunctionOptions, handler } from './functions/handler.js';
export { type DeclaredListener, type ListenerFunctionOptions, listener } from './functions/listener.js';
export { type DeclaredSchedule, type ScheduleFunctionOptions, schedule } from './functions/schedule.js';
export type { InterceptorLike } from './interceptor/interceptor-like.js';
export type { PayloadValidation } from './payload/payload-validation.js';
export { validatePayload } from './payload/validate-payload.js';
export { DELIVERY_CONTEXT } from './container/tokens.js';
export { Leveret, type LeveretState } from './application/leveret.js';
export type { LeveretOptions } from './application/leveret-options.js';
export { leveretModule, type LeveretModuleOptions } from './application/leveret-module.js';
export type { ShutdownSignal } from './application/shutdown-hooks.js';
export type { ListenerRegistry, RunningListener } from './application/listener-registry.js';
export type { RunningSchedule, ScheduleRegistry } from './application/schedule-registry.js';
export type { ScheduleSnapshot } from './schedule/schedule.js';
export type { Health } from './application/health.js';
export type { LeveretEvent } from './application/leveret-event.js';
export { ManagementApiError } from '@leveret/amqplib';
export type {
  ConnectionOptions,
  Credentials,
  CredentialsSource,
  ManagementOptions,
  ReconnectOptions,
  SocketOptions,
} from '@leveret/amqplib';
export {
  AcknowledgeMessage,
  type AcknowledgeMode,
  type ApplicationPlan,
  type BatchMessage,
  type Channel,
  channel,
  type ChannelMessage,
  type ChannelOptions,
  BindingBuilder,
  type BindingOptions,
  type Clock,
  ConfigurationError,
  type ConfirmMode,
  consoleLogger,
  contentTypeConverter,
  type ContentTypeConverterOptions,
  type CrashLoopOptions,
  type DeadLetterOptions,
  type Declarable,
  type Declarables,
  type DeliveryContext,
  type DeliveryEvent,
  type Duration,
  ERROR_CODES,
  type ErrorCode,
  ExchangeBuilder,
  type ExchangeOptions,
  type FailedDelivery,
  FatalMessageError,
  immediateRequeue,
  type Interceptor,
  type InterceptorFunction,
  isFatalMessageError,
  type KillSwitchOptions,
  lazyPolicy,
  LeveretError,
  type ListenerPolicyOptions,
  type ListenerSnapshot,
  type LoadSnapshot,
  type LogFields,
  type Logger,
  type LogLevel,
  type MaxRateOptions,
  MemoryIdempotencyStore,
  type MemoryStoreOptions,
  MessageConversionError,
  type MessageHeaders,
  type MessageProperties,
  MessageValidationError,
  type Next,
  type PauseOptions,
  type PauseReport,
  type PauseState,
  type PayloadOf,
  type PayloadType,
  type PolicyOptions,
  type Publication,
  type PublishBufferOptions,
  type PublishDefaults,
  PublishError,
  type PublishFate,
  type PublishOptions,
  type PublishReceipt,
  type PublishResult,
  type PublishRetryOptions,
  PublishUnroutableError,
  Publisher,
  type PublisherOptions,
  type PublisherStats,
  QueueBuilder,
  type ClassicQueueOptions,
  type QueueOptions,
  type QuorumQueueOptions,
  type StreamQueueOptions,
  type Recoverer,
  type RecovererFunction,
  type RecoveryOutcome,
  rejectAndDontRequeue,
  RejectMessage,
  RemoteFailureError,
  republish,
  type RepublishOptions,
  type RequestOptions,
  RequestTimeoutError,
  RequeueMessage,
  RetryAfter,
  retryAfterHeader,
  type RetryAfterOptions,
  type RedeliverOptions,
  type RetryOptions,
  type ReturnedMessage,
  silentLogger,
  type StandardSchema,
  type StopOptions,
  type StopReport,
  type TopologyOptions,
  type Violation,
} from '@leveret/core';

// Says how instances are written, in the whole process.
import './payload/write-by-rules.js';

// In the order in which a user meets them: declaring, starting, publishing, failing, watching.
export { Context } from './decorators/context.js';
export { Handler, type HandlerOptions } from './decorators/handler.js';
export { Header, type HeaderOptions } from './decorators/header.js';
export type {
  HeaderDeclaration,
  HeaderDeclarationOptions,
  HeaderDeclarations,
  HeadersOf,
  ListenerContext,
} from './decorators/header-declarations.js';
export { Headers } from './decorators/headers.js';
export {
  type GuardReference,
  Idempotent,
  type IdempotencyKey,
  type IdempotencyOptions,
  type IdempotentOptions,
  type StoreReference,
} from './decorators/idempotent.js';
export { Listener } from './decorators/listener.js';
export type { ClassOrMethodDecorator, Contradiction, MethodOnlyDecorator } from './decorators/decorator-types.js';
export type { ListenerOptions } from './decorators/listener-options.js';
export { Message } from './decorators/message.js';
export { Payload } from './decorators/payload.js';
export type { PublishAddress, PublishToOptions } from './decorators/publish-address.js';
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
export type { EventOf, HandlerCall, HandlerSurroundings } from './functions/handler-surroundings.js';
export {
  type DeclaredListener,
  type ListenerFunctionOptions,
  listener,
  type TypedListenerOptions,
} from './functions/listener.js';
export { type DeclaredSchedule, type ScheduleFunctionOptions, schedule } from './functions/schedule.js';
export type { Declared } from './functions/declared-function.js';
export type { InterceptorLike } from './interceptor/interceptor-like.js';
export { inspectPayload, type PayloadInspection } from './payload/inspect-payload.js';
export type { PayloadValidation } from './payload/payload-validation.js';
export { validatePayload } from './payload/validate-payload.js';
export type {
  AttemptScope,
  ContainerPort,
  InversifyContainer,
  LeveretContainer,
  ServiceToken,
} from './container/container-port.js';
export type { InstanceHooks } from './container/instance-hooks.js';
export { DELIVERY_CONTEXT } from './container/tokens.js';
export { Leveret, type LeveretState } from './application/leveret.js';
export type { LeveretOptions } from './application/leveret-options.js';
export { leveretModule, type LeveretModuleOptions, type ModuleOf } from './application/leveret-module.js';
export type { ShutdownSignal } from './application/shutdown-hooks.js';
export type { ListenerRegistry, RunningListener } from './application/listener-registry.js';
export type { RunningSchedule, ScheduleRegistry } from './application/schedule-registry.js';
export type { RunOutcome, ScheduleCounts, ScheduleSnapshot } from './schedule/schedule.js';
export type { ScheduleEvent } from './schedule/schedule-event.js';
export type { Health } from './application/health.js';
export type { PartHealth } from './application/application-parts.js';
export type { StandstillEvent } from './application/standstill-watch.js';
export type { StoreHealth } from './application/store-watch.js';
export type { ApplicationEvent, LeveretEvent } from './application/leveret-event.js';
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
  type AttemptFacts,
  type BatchMessage,
  type Channel,
  channel,
  type ChannelMessage,
  type ChannelOptions,
  BindingBuilder,
  type BindingOptions,
  type BrokerFacts,
  type ApplicationIdentity,
  type Claim,
  claimGuard,
  type ClaimGuardOptions,
  type ClaimResult,
  type Clock,
  ConfigurationError,
  type ConfirmCallback,
  type ConfirmedSender,
  type ConfirmMode,
  type ConnectionEvent,
  type ConnectionHealth,
  consoleLogger,
  contentTypeConverter,
  type ContentTypeConverterOptions,
  type DeadLetterOptions,
  type Declarable,
  type Declarables,
  type DeclaredBindingOptions,
  type DeliveryContext,
  type DeliveryEvent,
  type Duration,
  type EncodedPayload,
  type EncodeHints,
  ERROR_CODES,
  type ErrorCode,
  ExchangeBuilder,
  type ExchangeOptions,
  type FailedDelivery,
  FatalMessageError,
  type GuardedAttempt,
  type GuardedResult,
  type HeadersMatch,
  type IdempotencyGuard,
  type IdempotencyStore,
  idempotencyStoreCases,
  type IdempotencyStoreCase,
  immediateRequeue,
  type InstanceOrClass,
  type Interceptor,
  type InterceptorFunction,
  isFatalMessageError,
  type KillSwitchOptions,
  type KillSwitchSnapshot,
  type KillSwitchState,
  lazyPolicy,
  LeveretError,
  type ListenerCounts,
  type ListenerEvent,
  type ListenerPolicyOptions,
  type ListenerSnapshot,
  type LogFields,
  type Logger,
  type LogLevel,
  type MaxRateOptions,
  MemoryIdempotencyStore,
  type MemoryStoreOptions,
  MessageConversionError,
  type MessageConverter,
  type MessageHeaders,
  type MessageProperties,
  type MissingKeyPolicy,
  MessageValidationError,
  type NameOrFunction,
  type Next,
  type OpenStore,
  type PauseOptions,
  type PauseReport,
  type PauseState,
  type PayloadClass,
  type PayloadOf,
  type PayloadType,
  type PolicyOptions,
  type Publication,
  type PublishBufferOptions,
  type PublishDefaults,
  PublishError,
  type PublishErrorDetails,
  type PublishFate,
  type PublishOptions,
  type PartEvent,
  type PublishedPayloadOf,
  type PublishEvent,
  type PublishReceipt,
  type PublishResult,
  type PublishRetryOptions,
  PublishUnroutableError,
  Publisher,
  type PublisherOptions,
  type PublisherStats,
  type PublishAnswer,
  QueueBuilder,
  type ClassicQueueOptions,
  type QueueOptions,
  type QuorumQueueOptions,
  type StreamQueueOptions,
  type Recoverer,
  type RecovererFunction,
  type RecoveryOutcome,
  type RecoveryReason,
  rejectAndDontRequeue,
  RejectMessage,
  type RemoteFailure,
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
  type ReturnCallback,
  type ReturnedMessage,
  silentLogger,
  type StandardSchema,
  type StopOptions,
  type StopReport,
  type StoreCheck,
  type StoreConcern,
  type TopologyOptions,
  type Transport,
  type Violation,
} from '@leveret/core';

// For those who write what leveret works with: containers, stores and guards, converters, transports, and what listens to its
// events. Applications import from `leveret`.

export {
  type ApplicationIdentity,
  type AttemptFacts,
  type BrokerFacts,
  type Claim,
  type ClaimGuardOptions,
  type ClaimResult,
  type ConfirmCallback,
  type ConfirmedSender,
  type ConnectionEvent,
  type ConnectionHealth,
  claimGuard,
  type DeclaredBindingOptions,
  type EncodedPayload,
  type EncodeHints,
  type GuardedAttempt,
  type GuardedResult,
  type HeadersMatch,
  type IdempotencyGuard,
  type IdempotencyStore,
  type IdempotencyStoreCase,
  type InstanceOrClass,
  idempotencyStoreCases,
  type KillSwitchSnapshot,
  type KillSwitchState,
  type ListenerCounts,
  type ListenerEvent,
  type MessageConverter,
  type MissingKeyPolicy,
  type NameOrFunction,
  type OpenStore,
  type PartEvent,
  type PayloadClass,
  type PublishAnswer,
  type PublishErrorDetails,
  type PublishEvent,
  type PublishedPayloadOf,
  type RecoveryReason,
  type RemoteFailure,
  type ReturnCallback,
  type StoreCheck,
  type StoreConcern,
  type Transport,
} from '@leveret/core';
export type { PartHealth } from './application/application-parts.js';
export type { ApplicationEvent } from './application/leveret-event.js';
export type { ModuleOf } from './application/leveret-module.js';
export type { StandstillEvent } from './application/standstill-watch.js';
export type { StoreHealth } from './application/store-watch.js';
export type {
  AttemptScope,
  ContainerPort,
  InversifyContainer,
  LeveretContainer,
  ServiceToken,
} from './container/container-port.js';
export type { InstanceHooks } from './container/instance-hooks.js';
export type { ClassOrMethodDecorator, Contradiction, MethodOnlyDecorator } from './decorators/decorator-types.js';
export type { HeaderDeclaration, HeaderDeclarationOptions } from './decorators/header-declarations.js';
export type { GuardReference, IdempotencyKey, StoreReference } from './decorators/idempotent.js';
export type { PublishAddress } from './decorators/publish-address.js';
export type { Declared } from './functions/declared-function.js';
export type { EventOf, HandlerCall, HandlerSurroundings } from './functions/handler-surroundings.js';
export type { TypedListenerOptions } from './functions/listener.js';
export type { HandlerFramework, HandlerInvocation, HandlerParameter } from './handler/handler-framework.js';
export { inspectPayload, type PayloadInspection } from './payload/inspect-payload.js';
export { type ClassDeclarations, declarationsOf } from './reading/declarations-of.js';
export type { RunOutcome, ScheduleCounts } from './schedule/schedule.js';
export type { ScheduleEvent } from './schedule/schedule-event.js';

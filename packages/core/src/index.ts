// In the order of a message's journey.
export { ERROR_CODES, type ErrorCode } from './errors/error-codes.js';
export { LeveretError } from './errors/leveret-error.js';
export {
  FatalMessageError,
  isFatalMessageError,
  isMessageRefused,
  MessageConversionError,
  MessageRefusedError,
  MessageValidationError,
  type Violation,
} from './errors/message-error.js';
export {
  AcknowledgeMessage,
  findOutcomeSignal,
  type OutcomeSignal,
  RejectMessage,
  RequeueMessage,
} from './errors/outcome-signal.js';
export { ConfigurationError, describeKind, describeValue, Problems } from './errors/configuration-error.js';
export { checkKnown, checkOptions } from './errors/check-option.js';
export { didYouMean } from './errors/did-you-mean.js';
export { errorText } from './errors/error-text.js';
export { AlikeLines, type LineDecision } from './events/alike-lines.js';
export { type Redact, redactError, redactor, redactUrls } from './errors/redact.js';
export { escapeText } from './errors/escape-text.js';
export { type BackoffPolicy, backoffDelayMs } from './time/backoff.js';
export { type Clock, pause, systemClock, within } from './time/clock.js';
export {
  type GivenOptions,
  type JsonSchema,
  mergeOptions,
  type Option,
  type OptionsOf,
  type OptionTable,
  type ReadOptions,
  readOptions,
} from './options/option.js';
export {
  customOption,
  durationOption,
  flagOption,
  functionOption,
  groupOption,
  listOption,
  numberOption,
  objectSchema,
  orValue,
  requiredOption,
  textOption,
  wholeNumberOption,
  wordOption,
} from './options/option-kinds.js';
export { checkDuration, type Duration, durationMs, MAX_TIMER_MS, parseDuration } from './time/duration.js';
export { forLimits } from './time/one-timer.js';
export {
  type HeaderValue,
  MESSAGE_PROPERTIES,
  type Message,
  type MessageHeaders,
  type MessageProperties,
  type Publication,
  type Verbatim,
  type VerbatimHeader,
} from './message/message.js';
export type { EncodedPayload, EncodeHints, MessageConverter, PayloadClass } from './message/message-converter.js';
export {
  contentTypeConverter,
  type ContentTypeConverterOptions,
  refuseLarge,
} from './message/content-type-converter.js';
export {
  isStandardSchema,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from './message/standard-schema.js';
export type { OnePayloadType, PayloadOf, PayloadType, PublishedPayloadOf } from './message/payload-type.js';
export { checkReadHints, type DecodeHints, givenHints, type ReadHints } from './message/read-hints.js';
export type { LongNumbers } from './message/long-number.js';
export { type PlainForm, usePlainForm } from './message/plain-form.js';
export { type ContentType, readContentType } from './message/content-type.js';
export { wireTable } from './message/wire-table.js';
export { tableBytes } from './message/table-bytes.js';
export { redactingLogger } from './events/redacting-logger.js';
export { consoleLogger, type LogFields, type Logger, type LogLevel, logSafely, silentLogger } from './events/logger.js';
export type { DeliveryEvent } from './events/delivery-event.js';
export type { ListenerEvent } from './events/listener-event.js';
export type { ApplicationPart, PartEvent, PartHost } from './events/application-part.js';
export { EventHub, type EventSink } from './events/event-hub.js';
export { type Enter, inContext, keepContext } from './events/own-context.js';
export type {
  BrokerFacts,
  ChannelEnd,
  ConnectionEvent,
  ConnectionHealth,
  ConnectionRole,
  ConsumeRequest,
  DeclareOptions,
  Delivery,
  DeliveryChannel,
  DeliverySink,
  ExchangeLook,
  InterruptionCause,
  PublishChannel,
  PublishOutcome,
  ReplyChannel,
  ReturnInfo,
  Subscription,
  Transport,
  Unanswered,
} from './transport/transport.js';
export { isAtLeast } from './transport/broker-version.js';
export type { AttemptParts } from './delivery/attempt-parts.js';
export type { AttemptFacts, DeliveryContext } from './delivery/delivery-context.js';
export { brokerDeliveryCount, deathCount } from './delivery/delivery-counts.js';
export { Acknowledgement, type Settlement } from './acknowledgement/acknowledgement.js';
export type { Outcome } from './acknowledgement/outcome.js';
export { composeInterceptors } from './interceptor/compose-interceptors.js';
export type { Interceptor, InterceptorFunction, Next } from './interceptor/interceptor.js';
export type { Handler, HandlerRoute, ReplyAddress, ReplyPolicy } from './handler/handler.js';
export { decideFailure, type FailureDecision, type FailureFacts } from './retry/decide-failure.js';
export type { AcknowledgeMode, FailurePolicy, RedeliverPolicy, RetryPolicy } from './retry/failure-policy.js';
export type {
  RedeliverCommon,
  RedeliverDelays,
  RedeliverGrowth,
  RedeliverOptions,
} from './retry/redeliver-options.js';
export { RetryAfter, retryAfterHeader, type RetryAfterOptions } from './retry/retry-after.js';
export type { RetryOptions } from './retry/retry-options.js';
export type {
  ConfirmedSender,
  FailedDelivery,
  Recoverer,
  RecovererFunction,
  RecoveryOutcome,
  RecoveryReason,
} from './recoverer/recoverer.js';
export { fingerprint } from './recoverer/error-headers.js';
export { immediateRequeue, rejectAndDontRequeue } from './recoverer/reject-recoverer.js';
export { type NameOrFunction, republish, type RepublishOptions } from './recoverer/republish-recoverer.js';
export type {
  Claim,
  ClaimResult,
  IdempotencyStore,
} from './idempotency/idempotency-store.js';
export {
  type ClaimLost,
  type GuardedAttempt,
  type GuardedResult,
  type IdempotencyGuard,
  NEEDS_NO_SIGNAL,
  type PlainAttempt,
  type StillRunning,
} from './idempotency/idempotency-guard.js';
export { type ClaimDecision, type ClaimRecord, decideClaim } from './idempotency/decide-claim.js';
export {
  decideKey,
  type KeyDecision,
  type KeyFunction,
  type KeyPolicy,
  type MissingKeyPolicy,
} from './idempotency/decide-key.js';
export { boundedKey, claimKey } from './idempotency/claim-key.js';
export { isServiceName, serviceKey, serviceName, serviceNameFault } from './idempotency/service-name.js';
export {
  type ApplicationIdentity,
  serviceConflicts,
  type StoreCheck,
  type StoreConcern,
} from './idempotency/store-check.js';
export { claimGuard, type ClaimGuardOptions } from './idempotency/claim-guard.js';
export { MemoryIdempotencyStore, type MemoryStoreOptions } from './idempotency/memory-store.js';
export {
  idempotencyStoreCases,
  type IdempotencyStoreCase,
  type OpenStore,
} from './idempotency/store-conformance.js';
export { type ApplicationPlan, applicationPlan, type PlannedListener } from './consumer/application-plan.js';
export { brokerPatienceFor, checkPatience } from './consumer/check-patience.js';
export { checkKillSwitch } from './consumer/check-kill-switch.js';
export type { StreamOffsetStore } from './consumer/stream-offset-store.js';
export { checkStream } from './consumer/check-stream.js';
export type { RedeliverySnapshot } from './consumer/redeliveries.js';
export type { ReleaseReport } from './consumer/release-waiting.js';
export { withDelayedRetries } from './consumer/delayed-retry-queues.js';
export { checkRedeliver } from './consumer/check-redeliver.js';
export type { HandlerIdempotency, ListenerDefinition } from './consumer/listener-definition.js';
export type { CrashLoopOptions } from './consumer/crash-loop-options.js';
export type { CrashLoopPolicy } from './consumer/crash-records.js';
export { checkCrashLoop } from './consumer/check-crash-loop.js';
export type { InstanceOrClass } from './consumer/instance-or-class.js';
export {
  LISTENER_POLICY_OPTIONS,
  type ListenerPolicyOptions,
} from './consumer/listener-options.js';
export {
  type ResolvedListenerPolicies,
  resolveListenerPolicies,
} from './consumer/resolve-listener-policies.js';
export { resolveOrder } from './consumer/order.js';
export { checkSharedChannel } from './consumer/shares-channel.js';
export type { KillSwitchOptions, MaxRateOptions } from './outage/outage-options.js';
export type { KillSwitchSnapshot } from './consumer/listener-flow.js';
export type { KillSwitchState } from './outage/kill-switch.js';
export { type PauseOptions, type PauseReport, type PauseState, resolvePause } from './consumer/pause-options.js';
export type { ListenerCounts } from './consumer/listener-counters.js';
export type { LoadSnapshot } from './consumer/listener-load.js';
export { parseReplyAddress } from './consumer/reply.js';
export {
  ListenerContainer,
  type ListenerDependencies,
  type ListenerSnapshot,
  type ListenerState,
  type StopOptions,
  type StopReport,
} from './consumer/listener-container.js';
export type {
  BindingDeclaration,
  DeclareMode,
  ExchangeDeclaration,
  ExchangeType,
  PolicyDeclaration,
  QueueDeclaration,
  QueueType,
  Topology,
  TopologyArguments,
} from './topology/topology.js';
export {
  LISTENER_TOPOLOGY_OPTIONS,
  type ListenerTopologyOptions,
  type ResolvedListenerTopology,
  resolveListenerTopology,
} from './topology/listener-topology.js';
export type { DeadLetterOptions } from './topology/dead-letter-options.js';
export { generatedQueueName } from './topology/generated-queue-name.js';
export type {
  ClassicQueueOptions,
  QueueOptions,
  QuorumQueueOptions,
  StreamQueueOptions,
} from './topology/queue-options.js';
export type { QueueReference } from './topology/queue-builder.js';
export { QueueBuilder } from './topology/queue-builder.js';
export type { ExchangeOptions } from './topology/exchange-options.js';
export type { ExchangeReference } from './topology/exchange-builder.js';
export { type BuiltExchange, ExchangeBuilder } from './topology/exchange-builder.js';
export type { BindingOptions, DeclaredBindingOptions, HeadersMatch } from './topology/binding-options.js';
export { BindingBuilder, BindingBuilderTo, BindingBuilderWhere } from './topology/binding-builder.js';
export { lazyPolicy, type PolicyOptions } from './topology/policy-options.js';
export {
  type Declarable,
  type Declarables,
  joinDeclarables,
  type TopologyOptions,
  topologyOf,
} from './topology/topology-options.js';
export { EMPTY_TOPOLOGY, mergeTopologies, type SourcedTopology } from './topology/merge-topologies.js';
export {
  hasDeadLetterPolicy,
  type TopologyUse,
  type TopologyWarning,
  topologyWarnings,
} from './topology/topology-warnings.js';
export {
  PublishError,
  type PublishErrorDetails,
  type PublishFate,
  PublishUnroutableError,
  type RemoteFailure,
  RemoteFailureError,
  RequestTimeoutError,
} from './publisher/publish-error.js';
export { buildPublication, encodable, type PublishRoute } from './publisher/build-publication.js';
export { type Channel, channel, type ChannelOptions, isChannel, routeOfChannel } from './publisher/channel.js';
export { checkPayload } from './publisher/check-payload.js';
export type {
  BatchMessage,
  ChannelMessage,
  Publishable,
  PublishableInstance,
  PublishableItem,
} from './publisher/publishable.js';
export type {
  PublishAllOptions,
  PublishCounts,
  PublishResult,
} from './publisher/publish-all.js';
export type {
  ConfirmCallback,
  PublishAnswer,
  ReturnCallback,
  ReturnedMessage,
} from './publisher/publish-callbacks.js';
export { asItCame } from './delay/arrival.js';
export type { WaitRecord } from './message/wait-record.js';
export { DelayedPublishes } from './publisher/delayed-publishes.js';
export { type DelayOptions, publishDelayMs } from './publisher/publish-delay.js';
export type { PublishEvent } from './publisher/publish-event.js';
export { boundKeys, whyNotRouted } from './publisher/why-not-routed.js';
export type { PublishDefaults, PublishOptions, PublishReceipt } from './publisher/publish-options.js';
export type { PublisherHoldings } from './publisher/publish-ways.js';
export { Publisher, type RequestOptions } from './publisher/publisher.js';
export type { PublisherSetup } from './publisher/publish-ways.js';
export {
  PUBLISHER_OPTIONS,
  type ConfirmMode,
  type PublishBufferOptions,
  type PublisherOptions,
  type PublishRetryOptions,
  type PublishRetryPolicy,
  type ResolvedPublisherOptions,
  resolvePublisherOptions,
} from './publisher/publisher-options.js';
export type { PublisherStats } from './publisher/publisher-stats.js';
export { REMOTE_FAILURE_HEADER, type RemoteFailureReply, remoteFailureReply } from './publisher/remote-failure.js';

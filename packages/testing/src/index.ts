// In the order in which a test meets them: starting, looking, failing; then tests without a broker.
export { type SettledOptions, TestHarness } from './harness/test-harness.js';
export type {
  BrokerChoice,
  HarnessBrokerOptions,
  HarnessOptions,
  Override,
  ServiceIdentifier,
} from './harness/harness-options.js';
export type { ExpectedFailure } from './harness/expected-failures.js';
export { ListenerProbe, type MethodName, type ObservedDelivery } from './harness/listener-probe.js';
export { QueueProbe } from './harness/queue-probe.js';
export type { QueuedMessage } from './broker/queued-message.js';
export type { DeliveryOutcome, HandlerCall } from './watch/delivery-record.js';
export { HandlerFailuresError } from './errors/handler-failures-error.js';
export { HarnessError } from './errors/harness-error.js';
export { NotSettledError } from './errors/not-settled-error.js';
export { buildMessage, type MessageParts } from './unit/build-message.js';
export { type BuiltContext, buildContext, type ContextParts } from './unit/build-context.js';

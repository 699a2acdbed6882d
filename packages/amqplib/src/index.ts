export { AmqplibTransport, type AmqplibTransportOptions } from './amqplib-transport.js';
export { type ApplyReport, applyPolicies, fitPolicy } from './topology/apply-policies.js';
export { policyKeyOf } from './topology/policy-keys.js';
export {
  MANAGEMENT_OPTIONS,
  ManagementApiError,
  ManagementClient,
  type ManagementOptions,
  type ResolvedManagementOptions,
  resolveManagementOptions,
} from './topology/management-client.js';
export {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  type ReconnectOptions,
  resolveConnectionOptions,
  type ReconnectPolicy,
  type ResolvedConnectionOptions,
  type SocketOptions,
} from './connection/connection-options.js';
export type { Credentials, CredentialsSource } from './connection/login.js';
export type { HostTarget } from './connection/host-target.js';
export {
  BrokerSession,
  type DeclaredQueue,
  publishOn,
  type QueueState,
  type SessionConsumeOptions,
  type SessionConsumer,
  type SessionSink,
} from './session/broker-session.js';
export { type QueueArguments, queueArguments } from './topology/queue-arguments.js';

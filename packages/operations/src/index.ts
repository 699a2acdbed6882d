// Connecting.
export { OperationsSession, type OperationsOptions } from './session/operations-session.js';
export { ManagementReader } from './management/management-reader.js';
export type { BindingView, ExchangeView, PolicyView, QueueView } from './management/views.js';
// Looking.
export { type ErrorQueue, findErrorQueues } from './errors/find-error-queues.js';
export { look, type Looked, type LookedQueue } from './errors/look.js';
export type { HoldLimits } from './moving/held-queue.js';
export type { ParkedMessage } from './parked/parked-message.js';
export type { Failure, FailureSource } from './parked/failure.js';
export type { Death } from './parked/death.js';
export { isOfFailure } from './parked/parked-headers.js';
export { type ErrorGroup, groupErrors } from './parked/group-errors.js';
export { type Selected, selectErrors, type Selection } from './parked/select-errors.js';
// Sending back.
export type { RetryTarget, TargetChoice } from './parked/retry-target.js';
export {
  type CanaryReport,
  planRetryOf,
  resume,
  retry,
  type RetryOptions,
  type RetryProgress,
  type RetryReport,
} from './errors/retry.js';
export type { PlannedRetry, RetryPlan } from './errors/plan-retry.js';
export { stagedMessages, stagingQueueOf } from './moving/staging.js';
export type { RetryOutcome } from './errors/outcomes.js';
export { edit, type EditOptions, type EditReport } from './errors/edit.js';
export type { MessageEdit } from './moving/copies.js';
export { setValue } from './parked/set-value.js';
// Throwing away, keeping.
export {
  discard,
  type DiscardOptions,
  type DiscardReport,
  type UndoableDiscard,
  undoableDiscards,
  undoDiscard,
} from './errors/discard.js';
export { type ExportedMessage, exportLine, importLine } from './parked/export-line.js';
export { importErrors, type ImportOptions, type ImportReport } from './errors/import-errors.js';
// Following, sending one.
export { tail, type TailOptions, type TailSource } from './live/tail.js';
export { type HandMadeMessage, publishOne } from './live/publish-one.js';
export { type QueueSample, sampleQueues, type TopSample } from './live/sample-queues.js';
// From one type of queue to another.
export { migrateQueue, planOfMigration } from './migration/migrate-queue.js';
export { commitMigration, rollBackMigration } from './migration/end-migration.js';
export type { MigrationOptions, MigrationReport, MigrationStep } from './migration/migration-step.js';
export type { MigrationChoice, MigrationPlan } from './migration/plan-migration.js';
export type { Loss } from './migration/carried-arguments.js';
// Before a deployment.
export { mergePlans, readPlan } from './topology/application-plan.js';
export { askForDefinitions, type Definitions, readDefinitions } from './topology/definitions.js';
export { type Drift, planTopology } from './topology/plan-topology.js';
export { type Applied, apply, type ApplyOptions } from './topology/apply.js';
export { diagnose } from './doctor/diagnose.js';
export { examine } from './doctor/examine.js';
export type { Facts, Permissions } from './doctor/facts.js';
export type { Finding } from './doctor/finding.js';

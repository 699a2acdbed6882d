// In the order of a message's journey, from the database up.
export type { SqlDatabase, SqlExecutor, SqlResult } from './database/sql-database.js';
export { mysql, postgres, type SqlDialect, type SqlDialectName, sqlite } from './database/sql-dialect.js';
export { isTransactionConflict, type SqlFault, sqlFault } from './database/sql-fault.js';
export {
  type PoolOptions,
  type PostgresClient,
  postgresDatabase,
  postgresExecutor,
  type PostgresPool,
  type PostgresPoolClient,
} from './database/postgres-database.js';
export {
  type MysqlClient,
  mysqlDatabase,
  mysqlExecutor,
  type MysqlPool,
  type MysqlPoolConnection,
} from './database/mysql-database.js';
export {
  type SqliteConnection,
  sqliteDatabase,
  type SqliteOptions,
  type SqliteStatement,
} from './database/sqlite-database.js';
export { migrate, type Migration, migrations, migrationScript } from './schema/migrate.js';
export { SqlIdempotencyStore } from './idempotency/sql-idempotency-store.js';
export { TransactionalInbox, type TransactionalInboxOptions } from './inbox/transactional-inbox.js';
export { SqlStreamOffsets } from './stream/sql-stream-offsets.js';
export { Outbox, type OutboxOptions, type OutboxPublishOptions } from './outbox/outbox.js';
export type { OutboxCounts } from './outbox/outbox-counts.js';
export type { OutboxEntry } from './outbox/outbox-row.js';
export type { ParkedMessage } from './outbox/parked-message.js';
export { OutboxRelay } from './relay/outbox-relay.js';
export type { PublicationSender } from './relay/relay-stream.js';
export type { OutboxRelayOptions } from './relay/relay-options.js';
export type { RelayStats } from './relay/relay-stats.js';
export { type ListeningClient, postgresWakeUp, type WakeUp } from './relay/wake-up.js';
export { purge, type PurgeOptions, type PurgeReport } from './cleanup/purge.js';

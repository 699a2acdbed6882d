-- Times are milliseconds since the epoch, by the clock of the database: FROM_UNIXTIME(handled_at / 1000) shows one.
-- Keys are bytes: collations of text fold case, accents or trailing spaces, and two messages would become one.

-- One row for each message that a listener has handled, written in the transaction of its effect.
CREATE TABLE IF NOT EXISTS leveret_inbox (
  listener varbinary(255) NOT NULL,
  message_id varbinary(255) NOT NULL,
  handled_at bigint NOT NULL,
  PRIMARY KEY (listener, message_id),
  KEY leveret_inbox_handled_at (handled_at)
) ENGINE = InnoDB;

-- Messages on their way out. A row is deleted when the broker has confirmed it; one that is parked waits for a person.
CREATE TABLE IF NOT EXISTS leveret_outbox (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  message_id varchar(255),
  exchange varchar(255) NOT NULL,
  routing_key varchar(255) NOT NULL,
  properties mediumtext NOT NULL,
  headers mediumtext NOT NULL,
  mandatory smallint NOT NULL,
  body longblob NOT NULL,
  order_key varbinary(255),
  created_at bigint NOT NULL,
  available_at bigint NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,
  locked_by varchar(36),
  locked_until bigint NOT NULL DEFAULT 0,
  parked_at bigint,
  error text,
  KEY leveret_outbox_order (order_key, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Claims of listeners whose effect is not in this database.
CREATE TABLE IF NOT EXISTS leveret_idempotency (
  claim_key varbinary(255) NOT NULL PRIMARY KEY,
  token varchar(36) NOT NULL,
  completed smallint NOT NULL,
  ends_at bigint NOT NULL,
  KEY leveret_idempotency_ends_at (ends_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

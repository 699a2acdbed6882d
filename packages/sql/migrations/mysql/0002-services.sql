-- Which service wrote a message: its relays publish it, and no other's. NULL: from before services had names.
ALTER TABLE leveret_outbox ADD COLUMN service varbinary(64);

-- The services that use these tables, and what tells a second one under the same name: its listeners and their queues.
CREATE TABLE IF NOT EXISTS leveret_services (
  service varbinary(64) NOT NULL PRIMARY KEY,
  fingerprint mediumtext NOT NULL,
  retention_ms bigint NOT NULL,
  recorded_at bigint NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

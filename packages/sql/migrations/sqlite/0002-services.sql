-- Which service wrote a message: its relays publish it, and no other's. NULL: from before services had names.
ALTER TABLE leveret_outbox ADD COLUMN service text;

-- The services that use these tables, and what tells a second one under the same name: its listeners and their queues.
CREATE TABLE leveret_services (
  service text NOT NULL PRIMARY KEY,
  fingerprint text NOT NULL,
  retention_ms integer NOT NULL,
  recorded_at integer NOT NULL
) WITHOUT ROWID;

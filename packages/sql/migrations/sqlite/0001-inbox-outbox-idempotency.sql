-- Times are milliseconds since the epoch, by the clock of this machine: datetime(handled_at / 1000, 'unixepoch') shows one.

-- One row for each message that a listener has handled, written in the transaction of its effect.
CREATE TABLE leveret_inbox (
  listener text NOT NULL,
  message_id text NOT NULL,
  handled_at integer NOT NULL,
  PRIMARY KEY (listener, message_id)
) WITHOUT ROWID;
CREATE INDEX leveret_inbox_handled_at ON leveret_inbox (handled_at);

-- Messages on their way out. A row is deleted when the broker has confirmed it; one that is parked waits for a person.
CREATE TABLE leveret_outbox (
  id integer PRIMARY KEY AUTOINCREMENT,
  message_id text,
  exchange text NOT NULL,
  routing_key text NOT NULL,
  properties text NOT NULL,
  headers text NOT NULL,
  mandatory integer NOT NULL,
  body blob NOT NULL,
  order_key text,
  created_at integer NOT NULL,
  available_at integer NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  locked_by text,
  locked_until integer NOT NULL DEFAULT 0,
  parked_at integer,
  error text
);
CREATE INDEX leveret_outbox_order ON leveret_outbox (order_key, id) WHERE order_key IS NOT NULL;

-- Claims of listeners whose effect is not in this database.
CREATE TABLE leveret_idempotency (
  claim_key text NOT NULL PRIMARY KEY,
  token text NOT NULL,
  completed integer NOT NULL,
  ends_at integer NOT NULL
) WITHOUT ROWID;
CREATE INDEX leveret_idempotency_ends_at ON leveret_idempotency (ends_at);

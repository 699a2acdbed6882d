-- Times are milliseconds since the epoch, by the clock of the database: to_timestamp(handled_at / 1000.0) shows one.

-- One row for each message that a listener has handled, written in the transaction of its effect.
CREATE TABLE leveret_inbox (
  listener text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  handled_at bigint NOT NULL,
  PRIMARY KEY (listener, message_id)
);
CREATE INDEX leveret_inbox_handled_at ON leveret_inbox (handled_at);

-- Messages on their way out. A row is deleted when the broker has confirmed it; one that is parked waits for a person.
CREATE TABLE leveret_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id text,
  exchange text NOT NULL,
  routing_key text NOT NULL,
  properties text NOT NULL,
  headers text NOT NULL,
  mandatory smallint NOT NULL,
  body bytea NOT NULL,
  order_key text COLLATE "C",
  created_at bigint NOT NULL,
  available_at bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  locked_by text,
  locked_until bigint NOT NULL DEFAULT 0,
  parked_at bigint,
  error text
);
CREATE INDEX leveret_outbox_pending ON leveret_outbox (id) WHERE parked_at IS NULL;
CREATE INDEX leveret_outbox_order ON leveret_outbox (order_key, id) WHERE order_key IS NOT NULL;

-- Claims of listeners whose effect is not in this database.
CREATE TABLE leveret_idempotency (
  claim_key text COLLATE "C" PRIMARY KEY,
  token text NOT NULL,
  completed smallint NOT NULL,
  ends_at bigint NOT NULL
);
CREATE INDEX leveret_idempotency_ends_at ON leveret_idempotency (ends_at);

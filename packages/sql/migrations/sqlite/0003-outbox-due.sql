-- One moment says when a row may be taken: when it was written, when its wait or its lease ends. NULL: it is parked, or waits
-- behind another of its order key. What is due is found by an index that holds nothing else.
ALTER TABLE leveret_outbox ADD COLUMN due_at integer DEFAULT 0;
ALTER TABLE leveret_outbox ADD COLUMN size integer NOT NULL DEFAULT 0;
UPDATE leveret_outbox SET size = length(body),
  due_at = CASE WHEN parked_at IS NULL THEN max(available_at, locked_until) END;
ALTER TABLE leveret_outbox DROP COLUMN available_at;
ALTER TABLE leveret_outbox DROP COLUMN locked_until;
DROP INDEX leveret_outbox_order;
CREATE INDEX leveret_outbox_order ON leveret_outbox (service, order_key, id) WHERE order_key IS NOT NULL;
CREATE INDEX leveret_outbox_due ON leveret_outbox (service, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX leveret_outbox_parked ON leveret_outbox (service, id) WHERE parked_at IS NOT NULL;
CREATE INDEX leveret_outbox_unnamed ON leveret_outbox (id) WHERE service IS NULL;

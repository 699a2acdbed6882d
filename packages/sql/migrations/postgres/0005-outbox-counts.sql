-- What the outbox holds is counted in two indexes, without the messages: rows of order keys, and rows without one.
DROP INDEX leveret_outbox_order;
CREATE INDEX leveret_outbox_order ON leveret_outbox (service, order_key, id) INCLUDE (parked_at, created_at) WHERE order_key IS NOT NULL;
CREATE INDEX leveret_outbox_unkeyed ON leveret_outbox (service, id) INCLUDE (parked_at, created_at) WHERE order_key IS NULL;

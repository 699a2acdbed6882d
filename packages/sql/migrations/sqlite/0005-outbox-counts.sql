-- What the outbox holds is counted in one index, without the messages.
DROP INDEX leveret_outbox_order;
CREATE INDEX leveret_outbox_order ON leveret_outbox (service, order_key, id, parked_at, created_at);

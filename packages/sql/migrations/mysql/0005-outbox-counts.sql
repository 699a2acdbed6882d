-- What the outbox holds is counted in one index, without the messages.
-- Statements that change a table commit by themselves: this one looks first, so that a step that was cut off can be done again.
SET @leveret_step = IF((SELECT count(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'leveret_outbox' AND index_name = 'leveret_outbox_order' AND column_name = 'created_at'),
  'ALTER TABLE leveret_outbox DROP KEY leveret_outbox_order, ADD KEY leveret_outbox_order (service, order_key, id, parked_at, created_at)',
  'DO 0');
PREPARE leveret_step FROM @leveret_step;
EXECUTE leveret_step;
DEALLOCATE PREPARE leveret_step;

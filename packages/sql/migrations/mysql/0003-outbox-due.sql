-- One moment says when a row may be taken: when it was written, when its wait or its lease ends. NULL: it is parked, or waits
-- behind another of its order key. What is due is found by one index.
-- Statements that change a table commit by themselves: each looks first, so that a step that was cut off can be done again.
SET @leveret_missing = (SELECT count(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'leveret_outbox' AND column_name = 'due_at');
SET @leveret_step = IF(@leveret_missing,
  'ALTER TABLE leveret_outbox ADD COLUMN due_at bigint DEFAULT 0, ADD COLUMN size int NOT NULL DEFAULT 0',
  'DO 0');
PREPARE leveret_step FROM @leveret_step;
EXECUTE leveret_step;
SET @leveret_old = (SELECT count(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'leveret_outbox' AND column_name = 'available_at');
SET @leveret_step = IF(@leveret_old,
  'UPDATE leveret_outbox SET size = LENGTH(body), due_at = IF(parked_at IS NULL, GREATEST(available_at, locked_until), NULL)',
  'DO 0');
PREPARE leveret_step FROM @leveret_step;
EXECUTE leveret_step;
SET @leveret_step = IF(@leveret_old,
  'ALTER TABLE leveret_outbox DROP COLUMN available_at, DROP COLUMN locked_until, DROP KEY leveret_outbox_order, ADD KEY leveret_outbox_order (service, order_key, id, parked_at), ADD KEY leveret_outbox_due (service, due_at, id), ADD KEY leveret_outbox_parked (service, parked_at, id)',
  'DO 0');
PREPARE leveret_step FROM @leveret_step;
EXECUTE leveret_step;
DEALLOCATE PREPARE leveret_step;

-- The last message of a stream that a listener of a service is done with.
CREATE TABLE IF NOT EXISTS leveret_stream_offsets (
  service varbinary(64) NOT NULL,
  listener varbinary(255) NOT NULL,
  stream varbinary(255) NOT NULL,
  stream_offset bigint NOT NULL,
  saved_at bigint NOT NULL,
  PRIMARY KEY (service, listener, stream)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- To find those of listeners that are no more.
CREATE INDEX leveret_stream_offsets_saved_at ON leveret_stream_offsets (saved_at);

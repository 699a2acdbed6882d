-- The last message of a stream that a listener of a service is done with.
CREATE TABLE leveret_stream_offsets (
  service text NOT NULL,
  listener text NOT NULL,
  stream text NOT NULL,
  stream_offset integer NOT NULL,
  saved_at integer NOT NULL,
  PRIMARY KEY (service, listener, stream)
) WITHOUT ROWID;

-- To find those of listeners that are no more.
CREATE INDEX leveret_stream_offsets_saved_at ON leveret_stream_offsets (saved_at);

-- The last message of a stream that a listener of a service is done with.
CREATE TABLE leveret_stream_offsets (
  service text COLLATE "C" NOT NULL,
  listener text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  stream_offset bigint NOT NULL,
  saved_at bigint NOT NULL,
  PRIMARY KEY (service, listener, stream)
);

-- To find those of listeners that are no more.
CREATE INDEX leveret_stream_offsets_saved_at ON leveret_stream_offsets (saved_at);

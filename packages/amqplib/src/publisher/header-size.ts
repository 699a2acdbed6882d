import { type Publication, tableBytes } from '@leveret/core';

/** Frame type, channel, size and end; class, weight, body size and property flags. */
const FRAME_AND_HEADER_BYTES = 8 + 14;

/**
 * An upper bound of the bytes that the properties of a message take in its header frame. They must fit into one frame:
 * the broker closes the whole connection over one that is larger.
 */
export function headerFrameBytes(publication: Publication): number {
  let bytes = FRAME_AND_HEADER_BYTES;
  for (const value of Object.values(publication.properties)) {
    if (value !== undefined) bytes += typeof value === 'string' ? 1 + Buffer.byteLength(value) : 8;
  }
  return bytes + tableBytes(publication.headers);
}

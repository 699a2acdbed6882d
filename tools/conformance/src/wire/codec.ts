/**
 * The one door to the codec of `@leveret/broker` and to the client of its tests, which that package does not export. A
 * mistake in them cannot hide, because a real RabbitMQ reads and writes the same bytes.
 */
export {
  ALL_CAPABILITIES,
  type Seen,
  WireClient,
} from '../../../../packages/broker/dist/testing/wire-client.support.test.js';
export { encodeField, encodeTable } from '../../../../packages/broker/dist/wire/encode-table.js';
export {
  FIELD_TYPE_NAMES,
  type FieldTable,
  type FieldTag,
  type FieldValue,
} from '../../../../packages/broker/dist/wire/field-table.js';
export {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FrameParser,
} from '../../../../packages/broker/dist/wire/frame-parser.js';
export { FrameWriter } from '../../../../packages/broker/dist/wire/frame-writer.js';
export {
  decodeMethod,
  encodeMethod,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
} from '../../../../packages/broker/dist/wire/methods.js';
export {
  type DecodedProperties,
  decodeProperties,
  encodeProperties,
} from '../../../../packages/broker/dist/wire/properties.js';

/**
 * The one door to the codec of `@leveret/broker`, which that package does not export: frames, methods, tables and
 * properties. A mistake in it cannot hide, because a real RabbitMQ reads and writes the same bytes.
 */
export {
  FIELD_TYPE_NAMES,
  type FieldTable,
  type FieldTag,
  type FieldValue,
} from '../../../packages/broker/dist/wire/field-table.js';
export {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FrameParser,
} from '../../../packages/broker/dist/wire/frame-parser.js';
export { FrameWriter } from '../../../packages/broker/dist/wire/frame-writer.js';
export {
  decodeMethod,
  encodeMethod,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
} from '../../../packages/broker/dist/wire/methods.js';
export {
  type DecodedProperties,
  decodeProperties,
  encodeProperties,
} from '../../../packages/broker/dist/wire/properties.js';

import { type ContentTypeConverterOptions, contentTypeConverter } from 'leveret';
import type { MessageConverter } from 'leveret/adapters';

/**
 * Reads what `ClientProxy` of `@nestjs/microservices` publishes over RabbitMQ: JSON `{ pattern, data, id? }`, of which the handler
 * gets `data`. Anything else is read as it is, and payloads are written as JSON without an envelope, which `ClientProxy.send` takes
 * for a reply as well.
 *
 * ```ts
 * @Listener({ queue: 'orders', converter: nestPacketConverter() })
 * ```
 * @throws {ConfigurationError} when an option is wrong
 */
export function nestPacketConverter(options: ContentTypeConverterOptions = {}): MessageConverter {
  const inner = contentTypeConverter(options);
  return {
    fromMessage(message, target, hints) {
      if (target === Buffer || target === Uint8Array) return message.body;
      // Nest writes no content type; the packet is an object, whatever its data is declared as.
      const read = inner.fromMessage(message, target === String ? Object : (target ?? Object), hints);
      return isPacket(read) ? read.data : read;
    },
    toMessage: (payload, hints) => inner.toMessage(payload, hints),
  };
}

interface Packet {
  readonly pattern: unknown;
  readonly data: unknown;
}

function isPacket(value: unknown): value is Packet {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'pattern') && Object.hasOwn(value, 'data');
}

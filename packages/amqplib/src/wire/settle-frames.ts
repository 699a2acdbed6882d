const FRAME_END = 0xce;
const METHOD_FRAME = 1;
const BASIC = 60;

/**
 * The frame of `basic.ack`.
 * @see https://www.rabbitmq.com/amqp-0-9-1-reference#basic.ack
 */
export function ackFrame(channel: number, deliveryTag: number, multiple: boolean): Buffer {
  return settleFrame(channel, 80, deliveryTag, multiple ? 1 : 0);
}

/** The frame of `basic.reject`. */
export function rejectFrame(channel: number, deliveryTag: number, requeue: boolean): Buffer {
  return settleFrame(channel, 90, deliveryTag, requeue ? 1 : 0);
}

/** The frame of `basic.nack` of one delivery, with requeue. */
export function giveBackFrame(channel: number, deliveryTag: number): Buffer {
  return settleFrame(channel, 120, deliveryTag, 2);
}

/** The frame of `basic.nack` of every delivery that is not settled, with requeue: one command for all of them. */
export function giveBackAllFrame(channel: number): Buffer {
  return settleFrame(channel, 120, 0, 3);
}

function settleFrame(channel: number, method: number, deliveryTag: number, bits: number): Buffer {
  const frame = Buffer.allocUnsafe(21);
  frame[0] = METHOD_FRAME;
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(13, 3);
  frame.writeUInt16BE(BASIC, 7);
  frame.writeUInt16BE(method, 9);
  frame.writeUInt32BE(Math.floor(deliveryTag / 0x1_0000_0000), 11);
  frame.writeUInt32BE(deliveryTag % 0x1_0000_0000, 15);
  frame[19] = bits;
  frame[20] = FRAME_END;
  return frame;
}

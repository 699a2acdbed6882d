/** A message as amqplib gives it. */
export interface ConsumeMessage {
  readonly content: Buffer;
  readonly fields: {
    readonly consumerTag: string;
    readonly deliveryTag: number;
    readonly exchange: string;
    readonly routingKey: string;
    readonly redelivered: boolean;
  };
  readonly properties: {
    readonly contentType: string | undefined;
    readonly contentEncoding: string | undefined;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly deliveryMode: number | undefined;
    readonly priority: number | undefined;
    readonly correlationId: string | undefined;
    readonly replyTo: string | undefined;
    readonly expiration: string | undefined;
    readonly messageId: string | undefined;
    readonly timestamp: number | undefined;
    readonly type: string | undefined;
    readonly userId: string | undefined;
    readonly appId: string | undefined;
    readonly clusterId: undefined;
  };
}
